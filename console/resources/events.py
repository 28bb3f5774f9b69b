"""Events: what the clusters say happened, newest first."""

from collections.abc import Iterable
from sys import intern

from console.clock import parse_time
from console.record import Key, Record, Tone, Word
from console.resources.cells import age, place_columns, state_columns
from console.resources.shapes import Event
from console.resources.wire import Meta, Wire, base
from console.store import Snapshot
from console.view import Column, KubeSource, View

__all__ = ["VIEW", "Event", "flatten", "word"]

_MESSAGE_CHARACTERS = 1000
_KINDS = {
    "HorizontalPodAutoscaler": "hpa",
    "ResourceQuota": "quota",
}


class _About(Wire, frozen=True):
    kind: str | None = None
    namespace: str | None = None
    name: str | None = None


class _Series(Wire, frozen=True):
    count: int | None = None
    last_observed_time: str | None = None


class _Reporter(Wire, frozen=True):
    component: str | None = None


_NO_META = Meta()
_NO_ABOUT = _About()


class EventWire(Wire, frozen=True):
    """An event as the API server writes it (core/v1)."""

    metadata: Meta = _NO_META
    involved_object: _About = _NO_ABOUT
    type: str | None = None
    reason: str | None = None
    message: str | None = None
    count: int | None = None
    first_timestamp: str | None = None
    last_timestamp: str | None = None
    event_time: str | None = None
    series: _Series | None = None
    source: _Reporter | None = None
    reporting_component: str | None = None


def flatten(cluster: str, wire: EventWire) -> Event | None:
    """Make the record of an event."""
    start = base(cluster, "event", wire.metadata)
    if start is None:
        return None
    about, series = wire.involved_object, wire.series
    happened = parse_time(wire.event_time)
    repeated = parse_time(series.last_observed_time) if series else None
    last = repeated or parse_time(wire.last_timestamp) or happened or start["created"]
    reporter = wire.reporting_component or (wire.source.component if wire.source else "")
    return Event(
        **start,
        type=intern(wire.type or ""),
        reason=intern(wire.reason or ""),
        message=(wire.message or "")[:_MESSAGE_CHARACTERS],
        about_kind=intern(about.kind or ""),
        about_namespace=intern(about.namespace or ""),
        about_name=about.name or "",
        count=(series.count if series else None) or wire.count or 1,
        first_at=parse_time(wire.first_timestamp) or happened or start["created"],
        last_at=last,
        reporter=intern(reporter or ""),
    )


def word(event: Event, _: Snapshot) -> Word:
    """Name an event by its type."""
    if event.type == "Warning":
        return Word("WARNING", Tone.WARN, event.message)
    return Word(event.type.upper() or "UNKNOWN", Tone.OFF, event.message)


def _related(event: Event, look: Snapshot) -> Iterable[Record]:
    kind = _KINDS.get(event.about_kind, event.about_kind.lower())
    about = look.get(Key(event.key.cluster, kind, event.about_namespace, event.about_name))
    return [about] if about else []


def _newest(event: Event, _: Snapshot) -> float | None:
    return None if event.last_at is None else -event.last_at


def _facts(event: Event, look: Snapshot) -> Iterable[tuple[str, str | Word]]:
    now = look.now(event.key.cluster)
    yield "Type", VIEW.judged(event, look)
    yield "Reason", event.reason
    yield "About", f"{event.about_kind}/{event.about_name}"
    yield "Times", f"{event.count}, first {age(event.first_at, now)} ago"
    yield "Last", f"{age(event.last_at, now)} ago"
    yield "Reported by", event.reporter or "?"
    yield "Message", event.message


_STATE = state_columns(lambda: VIEW)[0]
_NAMESPACE = place_columns()[0]

VIEW: View[Event] = View(
    kind="event",
    title="Events",
    aliases=("events", "ev"),
    record=Event,
    source=KubeSource(path="/api/v1/events", wire=EventWire, flatten=flatten),
    word=word,
    columns=(
        Column[Event](
            title="Last",
            text=lambda event, look: age(event.last_at, look.now(event.key.cluster)),
            order=_newest,
            right=True,
        ),
        _NAMESPACE,
        _STATE,
        Column[Event](title="What", text=lambda event, _: event.reason),
        Column[Event](
            title="About", text=lambda event, _: f"{event.about_kind}/{event.about_name}"
        ),
        Column[Event](
            title="Times",
            text=lambda event, _: str(event.count),
            order=lambda event, _: event.count,
            right=True,
        ),
        Column[Event](title="Message", text=lambda event, _: event.message),
        Column[Event](title="Name", text=lambda event, _: event.key.name, wide=True),
        Column[Event](title="Reporter", text=lambda event, _: event.reporter or "?", wide=True),
    ),
    facts=_facts,
    related=_related,
)
