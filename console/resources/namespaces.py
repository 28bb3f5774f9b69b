"""Namespaces: what of their quota is used, and what keeps them from going."""

from collections.abc import Iterable

from console.clock import parse_time
from console.record import Record, Tone, Word
from console.resources.cells import age, age_column, labels_column, place_columns, state_columns
from console.resources.shapes import Condition, Dimension, Quota
from console.resources.wire import Meta, Wire, WireCondition, base, conditions
from console.store import Snapshot
from console.view import Column, KubeSource, View

_STUCK_SECONDS = 60.0
_BLOCKERS = (
    "NamespaceDeletionDiscoveryFailure",
    "NamespaceDeletionGroupVersionParsingFailure",
    "NamespaceDeletionContentFailure",
    "NamespaceFinalizersRemaining",
    "NamespaceContentRemaining",
)
_TENANT_LABELS = ("ai-shifu.io/tenant", "tenant")


class Namespace(Record, frozen=True, kw_only=True):
    """A namespace as the cluster reports it."""

    phase: str = ""
    conditions: tuple[Condition, ...] = ()
    deleting_at: float | None = None
    tenant: str = ""
    """The bid of the tenant it belongs to, from its labels."""
    display_name: str = ""
    owner: str = ""
    oncall: str = ""


class _Meta(Meta, frozen=True):
    annotations: dict[str, str] | None = None


class _Status(Wire, frozen=True):
    phase: str | None = None
    conditions: list[WireCondition] | None = None


_NO_META = _Meta()
_NO_STATUS = _Status()


class NamespaceWire(Wire, frozen=True):
    """A namespace as the API server writes it."""

    metadata: _Meta = _NO_META
    status: _Status = _NO_STATUS


def flatten(cluster: str, wire: NamespaceWire) -> Namespace | None:
    """Make the record of a namespace."""
    start = base(cluster, "namespace", wire.metadata)
    if start is None:
        return None
    notes = wire.metadata.annotations or {}
    labels = start["labels"]
    return Namespace(
        **start,
        phase=wire.status.phase or "",
        conditions=conditions(wire.status.conditions),
        deleting_at=parse_time(wire.metadata.deletion_timestamp),
        tenant=next((labels[name] for name in _TENANT_LABELS if labels.get(name)), ""),
        display_name=notes.get("ai-shifu.io/display-name", ""),
        owner=notes.get("ai-shifu.io/owner", ""),
        oncall=notes.get("ai-shifu.io/oncall", ""),
    )


def word(found: Namespace, look: Snapshot) -> Word:
    """Name a namespace's state: going, held up, at its quota, or active."""
    if found.phase == "Terminating" or found.deleting_at is not None:
        return _terminating(found, look)
    if found.phase != "Active":
        return Word("UNKNOWN", Tone.UNKNOWN, f"phase {found.phase or 'not reported'}")
    tight = _tightest(found, look)
    share = tight.share if tight is not None else None
    if tight is not None and share is not None and share >= 0.9:
        text, tone = ("QUOTA FULL", Tone.BAD) if share >= 1 else ("QUOTA TIGHT", Tone.WARN)
        return Word(text, tone, _use(tight))
    return Word("ACTIVE", Tone.OK)


def _terminating(found: Namespace, look: Snapshot) -> Word:
    blockers = {one.type: one for one in found.conditions if one.status == "True"}
    named = [blockers[kind] for kind in _BLOCKERS if kind in blockers]
    now = look.now(found.key.cluster)
    lasted = age(found.deleting_at, now)
    if not named:
        return Word("TERMINATING", Tone.PROGRESS, f"for {lasted}")
    late = found.deleting_at is not None and now - found.deleting_at > _STUCK_SECONDS
    reason = f"for {lasted}; {named[0].type}: {named[0].message}"
    return Word("TERMINATING", Tone.BAD if late else Tone.PROGRESS, reason)


def _quotas(found: Namespace, look: Snapshot) -> list[Quota]:
    records = look.in_namespace(found.key.cluster, "quota", found.key.name)
    return [record for record in records if isinstance(record, Quota)]


def _tightest(found: Namespace, look: Snapshot) -> Dimension | None:
    tight = [quota.tightest for quota in _quotas(found, look)]
    known = [one for one in tight if one is not None]
    return max(known, key=lambda one: one.share or 0.0, default=None)


def _use(one: Dimension) -> str:
    return f"{one.name} {one.used}/{one.hard}"


def _dimension(found: Namespace, look: Snapshot, name: str) -> str:
    """Write used/hard of one dimension: the tightest of all quotas; `-` when none limits it."""
    limits = [one for quota in _quotas(found, look) for one in quota.dimensions if one.name == name]
    tight = max(limits, key=lambda one: one.share or 0.0, default=None)
    return "-" if tight is None else f"{tight.used}/{tight.hard}"


def _quota_column(title: str, name: str, *, wide: bool = False) -> Column[Namespace]:
    return Column(
        title=title,
        text=lambda found, look: _dimension(found, look, name),
        right=True,
        wide=wide,
    )


def _related(found: Namespace, look: Snapshot) -> Iterable[Record]:
    kinds = ("quota", "hpa", "deployment", "statefulset", "pod")
    for kind in kinds:
        yield from look.in_namespace(found.key.cluster, kind, found.key.name)


def _extra(found: Namespace, look: Snapshot) -> dict[str, object]:
    return {
        "quota": [
            {"name": one.name, "used": one.used, "hard": one.hard, "share": one.share}
            for quota in _quotas(found, look)
            for one in quota.dimensions
        ]
    }


def _facts(found: Namespace, look: Snapshot) -> Iterable[tuple[str, str | Word]]:
    yield "State", VIEW.judged(found, look)
    yield "Phase", found.phase or "?"
    yield "Tenant", found.tenant or "-"
    if found.display_name:
        yield "Name", found.display_name
    if found.owner or found.oncall:
        yield "Owner / on call", f"{found.owner or '-'} / {found.oncall or '-'}"
    for quota in _quotas(found, look):
        for one in quota.dimensions:
            share = "" if one.share is None else f" ({one.share:.0%})"
            yield f"Quota {one.name}", f"{one.used} of {one.hard}{share}"


VIEW: View[Namespace] = View(
    kind="namespace",
    title="Namespaces",
    aliases=("namespaces", "ns"),
    record=Namespace,
    source=KubeSource(path="/api/v1/namespaces", wire=NamespaceWire, flatten=flatten),
    needs=("quota",),
    word=word,
    namespaced=False,
    columns=(
        *place_columns(namespaced=False),
        *state_columns(lambda: VIEW),
        Column[Namespace](title="Tenant", text=lambda found, _: found.tenant or "-"),
        _quota_column("CPU", "requests.cpu"),
        _quota_column("Mem", "requests.memory"),
        _quota_column("Pods", "pods"),
        age_column(),
        _quota_column("Storage", "requests.storage", wide=True),
        Column[Namespace](title="Owner", text=lambda found, _: found.owner or "-", wide=True),
        labels_column(),
    ),
    extra=_extra,
    facts=_facts,
    related=_related,
)
