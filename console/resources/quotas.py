"""Quotas: how much of what a namespace may have is used, dimension by dimension."""

from collections.abc import Iterable

from console.record import Key, Record, Tone, Word
from console.resources.cells import age_column, labels_column, place_columns, state_columns
from console.resources.shapes import Dimension, Quota
from console.resources.wire import Meta, Wire, base, milli
from console.store import Snapshot
from console.view import Column, KubeSource, View

__all__ = ["VIEW", "Quota", "flatten", "word"]

_TIGHT = 0.9

_Amounts = dict[str, str | int | float]


class _Spec(Wire, frozen=True):
    hard: _Amounts | None = None
    scopes: list[str] | None = None


class _Status(Wire, frozen=True):
    hard: _Amounts | None = None
    used: _Amounts | None = None


_NO_META = Meta()
_NO_SPEC = _Spec()
_NO_STATUS = _Status()


class QuotaWire(Wire, frozen=True):
    """A ResourceQuota as the API server writes it."""

    metadata: Meta = _NO_META
    spec: _Spec = _NO_SPEC
    status: _Status = _NO_STATUS


def flatten(cluster: str, wire: QuotaWire) -> Quota | None:
    """Make the record of a ResourceQuota."""
    start = base(cluster, "quota", wire.metadata)
    if start is None:
        return None
    used = wire.status.used or {}
    hard = {**(wire.status.hard or {}), **(wire.spec.hard or {})}
    return Quota(
        **start,
        dimensions=tuple(
            Dimension(
                name=name,
                used=str(used.get(name, "?")),
                hard=str(limit),
                used_milli=milli(used.get(name)),
                hard_milli=milli(limit),
            )
            for name, limit in sorted(hard.items())
        ),
        scopes=tuple(wire.spec.scopes or ()),
    )


def word(quota: Quota, _: Snapshot) -> Word:
    """Name a quota's state by its tightest dimension."""
    unknown = [one.name for one in quota.dimensions if one.used_milli is None]
    tight = [one for one in quota.dimensions if one.share is not None and one.share >= _TIGHT]
    tight.sort(key=lambda one: -(one.share or 0.0))
    use = ", ".join(f"{one.name} {one.used}/{one.hard}" for one in tight)
    if tight and (tight[0].share or 0.0) >= 1:
        return Word("FULL", Tone.BAD, use)
    if tight:
        return Word("TIGHT", Tone.WARN, use)
    if unknown:
        return Word("UNKNOWN", Tone.UNKNOWN, f"use of {', '.join(unknown)} not reported")
    return Word("OK", Tone.OK)


def _use(quota: Quota) -> str:
    return ", ".join(f"{one.name} {one.used}/{one.hard}" for one in quota.dimensions) or "-"


def _share(quota: Quota) -> float | None:
    return quota.tightest.share if quota.tightest else None


def _tightest(quota: Quota, _: Snapshot) -> str:
    share = _share(quota)
    return "-" if share is None or quota.tightest is None else f"{quota.tightest.name} {share:.0%}"


def _dimension_column(title: str, name: str) -> Column[Quota]:
    def find(quota: Quota) -> Dimension | None:
        return next((one for one in quota.dimensions if one.name == name), None)

    def text(quota: Quota, _: Snapshot) -> str:
        one = find(quota)
        return f"{one.used}/{one.hard}" if one else "-"

    def order(quota: Quota, _: Snapshot) -> float | None:
        one = find(quota)
        return one.share if one else None

    return Column(title=title, text=text, order=order, right=True)


def _related(quota: Quota, look: Snapshot) -> Iterable[Record]:
    namespace = look.get(Key(quota.key.cluster, "namespace", "", quota.key.namespace))
    return [namespace] if namespace else []


def _facts(quota: Quota, look: Snapshot) -> Iterable[tuple[str, str | Word]]:
    yield "State", VIEW.judged(quota, look)
    for one in quota.dimensions:
        share = "" if one.share is None else f" ({one.share:.0%})"
        yield one.name, f"{one.used} of {one.hard}{share}"
    if quota.scopes:
        yield "Scopes", ", ".join(quota.scopes)


VIEW: View[Quota] = View(
    kind="quota",
    title="Quotas",
    aliases=("quotas", "resourcequota", "resourcequotas"),
    record=Quota,
    source=KubeSource(path="/api/v1/resourcequotas", wire=QuotaWire, flatten=flatten),
    word=word,
    columns=(
        *place_columns(),
        *state_columns(lambda: VIEW),
        Column[Quota](
            title="Tightest", text=_tightest, order=lambda quota, _: _share(quota), right=True
        ),
        _dimension_column("CPU", "requests.cpu"),
        _dimension_column("Mem", "requests.memory"),
        _dimension_column("Pods", "pods"),
        age_column(),
        Column[Quota](title="Used / hard", text=lambda quota, _: _use(quota), wide=True),
        labels_column(),
    ),
    facts=_facts,
    related=_related,
)
