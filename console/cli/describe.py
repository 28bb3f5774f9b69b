"""Shows everything known about one thing: facts, conditions, neighbours, events."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

import click

from console.cli.exits import Exit
from console.cli.get import choose
from console.cli.output import encode, item, source_line, write
from console.cli.reading import Choice, collect, complain, sources_of, verdict
from console.cli.session import Session
from console.clock import parse_time
from console.errors import LinkError
from console.fleet import Fleet
from console.record import Record, Word
from console.redact import printable
from console.resources import views
from console.resources.shapes import Condition
from console.store import Snapshot
from console.units import format_age
from console.view import View

_EVENTS = 20


@click.command(name="describe")
@click.argument("kind")
@click.argument("words", nargs=-1)
@click.option("-o", "--output", "form", type=click.Choice(("text", "json", "yaml")), default="text")
@click.option("-n", "--namespace", default="", help="Only this namespace.")
@click.option("-l", "--selector", help="Label selector, as in kubectl.")
@click.option("--context", "contexts", multiple=True, metavar="NAME|GLOB", help="Only these.")
@click.pass_obj
def command(
    session: Session,
    *,
    kind: str,
    words: tuple[str, ...],
    form: str,
    namespace: str,
    selector: str | None,
    contexts: tuple[str, ...],
) -> int:
    """Show everything known: describe KIND NAME [@SCOPE]...; all that are called so."""
    choice = choose(session, kind, words, contexts=contexts, namespace=namespace, selector=selector)
    if not choice.names and selector is None and not choice.query.filter:
        raise click.UsageError("describe wants a name, a selector or a /filter")
    return asyncio.run(_describe(session, choice, form))


async def _describe(session: Session, choice: Choice, form: str) -> int:
    async with session.open_fleet() as fleet:
        await collect(fleet, choice)
        look = fleet.look
        records = choice.records(look)
        events = [await _events(fleet, record) for record in records]
        sources = sources_of(choice, look)
        pages = list(zip(records, events, strict=True))
        if form == "text":
            texts = ["\n".join(_page(choice.view, *page, look)) for page in pages]
            if texts:
                write("\n\n".join(texts))
        else:
            lines = [source_line(source, look.now()) for source in sources]
            items = [_tree(choice.view, *page, look) for page in pages]
            write(encode({"kind": choice.view.kind, "items": items, "sources": lines}, form))
    complain(sources)
    result = verdict(sources)
    if not records and result is Exit.OK:
        click.echo(f"{choice.view.kind} not found: {', '.join(choice.names)}", err=True)
        return int(Exit.PROBLEMS)
    return int(result)


async def _events(fleet: Fleet, record: Record) -> list[dict[str, Any]]:
    """Return the newest events about a record; none when they cannot be read."""
    if record.key.kind in ("cluster", "nodegroup", "event", "run"):
        return []
    try:
        found = await fleet.events_about(record.key)
    except LinkError as error:
        click.echo(printable(f"events of {record.key}: {error}"), err=True)
        return []
    return sorted(found, key=_last, reverse=True)[:_EVENTS]


def _last(event: dict[str, Any]) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def _tree(
    view: View[Any], record: Record, events: list[dict[str, Any]], look: Snapshot
) -> dict[str, Any]:
    return {
        **item(view, record, look),
        "related": [
            {
                "kind": one.key.kind,
                "cluster": one.key.cluster,
                "namespace": one.key.namespace,
                "name": one.key.name,
                "word": word.text,
                "tone": word.tone.value,
                "reason": word.reason,
            }
            for one, word in _related(view, record, look)
        ],
        "events": [
            {
                "type": event.get("type"),
                "reason": event.get("reason"),
                "message": printable(str(event.get("message") or "")),
                "count": event.get("count"),
                "lastAt": _last(event) or None,
            }
            for event in events
        ],
    }


def _related(view: View[Any], record: Record, look: Snapshot) -> Iterator[tuple[Record, Word]]:
    known = views()
    for one in view.related(record, look) if view.related else ():
        if one.key.kind != "event":
            yield one, known[one.key.kind].judged(one, look)


def _page(
    view: View[Any], record: Record, events: list[dict[str, Any]], look: Snapshot
) -> Iterator[str]:
    found = view.provenance(record, look)
    now = look.now(record.key.cluster)
    yield f"{view.kind} {record.key}"
    age = format_age(None if found.observed_at is None else look.now() - found.observed_at)
    yield from _aligned(_facts(view, record, look))
    yield from _aligned([("Observed", f"{found.freshness.value}, {age} ago by {found.source}")])
    conditions: tuple[Condition, ...] = getattr(record, "conditions", ())
    if conditions:
        yield "Conditions:"
    for one in conditions:
        since = "" if one.since is None else f" for {format_age(now - one.since)}"
        said = " ".join(part for part in (one.reason, one.message) if part)
        yield f"  {one.type}={one.status}{since}: {printable(said)}"
    related = list(_related(view, record, look))
    if related:
        yield "Neighbours:"
    for other, word in related:
        reason = f"  {printable(word.reason)}" if word.reason else ""
        yield f"  {other.key.kind}/{other.key.name}  {word.tone.glyph} {word.text}{reason}"
    if events:
        yield "Events:"
    for event in events:
        last = parse_time(_last(event))
        when = format_age(None if last is None else now - last)
        message = printable(str(event.get("message") or "")).replace("\n", " ")
        what = f"{event.get('type')} {event.get('reason')}{_about(event, record)}"
        yield f"  {when} {what}: {message}"


def _about(event: dict[str, Any], record: Record) -> str:
    """Name what an event is about, unless it is the record itself."""
    about = event.get("involvedObject") or {}
    if about.get("name") == record.key.name:
        return ""
    return f" {str(about.get('kind')).lower()}/{about.get('name')}"


def _facts(view: View[Any], record: Record, look: Snapshot) -> Iterator[tuple[str, str]]:
    facts: Iterable[tuple[str, str | Word]] = (
        view.facts(record, look)
        if view.facts
        else ((column.title, column.text(record, look)) for column in view.columns)
    )
    for title, value in facts:
        if isinstance(value, Word):
            reason = f": {value.reason}" if value.reason else ""
            yield title, printable(f"{value.tone.glyph} {value.text}{reason}")
        else:
            yield title, printable(value)


def _aligned(facts: Iterable[tuple[str, str]]) -> Iterator[str]:
    for title, value in facts:
        yield f"  {title + ':':<20} {value}"
