"""Tenants: one customer's namespace with its workloads, judged by the worst of its parts."""

from collections.abc import Iterable, Iterator

from console.record import Key, Record, Tone, Word
from console.resources import views
from console.resources.cells import age, age_column, labels_column, of, place_columns, state_columns
from console.resources.shapes import Quota, Workload
from console.store import Snapshot, SourceState
from console.view import Column, View

_PREFIX = "ai-shifu.io/"
_PARTS = ("namespace", "deployment", "statefulset", "hpa", "quota")
"""What a tenant's word is the worst of; pods count through their workloads."""
_TIERS = ("enterprise", "premium", "standard")


class Tenant(Record, frozen=True, kw_only=True):
    """A tenant in one cluster, as the labels of its namespace tell."""

    bid: str
    tier: str = ""
    isolation: str = ""
    region: str = ""
    ring: str = ""
    display_name: str = ""
    owner: str = ""
    oncall: str = ""


def derive(look: Snapshot) -> Iterator[Tenant]:
    """Make a tenant of every namespace that is labelled as one's."""
    for namespace in look.rows("namespace"):
        bid = getattr(namespace, "tenant", "")
        if bid:
            yield _tenant(namespace, bid)


def _tenant(namespace: Record, bid: str) -> Tenant:
    labels = namespace.labels

    def label(name: str) -> str:
        return labels.get(f"{_PREFIX}{name}") or labels.get(name, "")

    return Tenant(
        key=Key(namespace.key.cluster, "tenant", namespace.key.name, bid),
        uid=namespace.uid,
        version=namespace.version,
        created=namespace.created,
        labels=labels,
        bid=bid,
        tier=label("tier"),
        isolation=label("isolation"),
        region=label("region"),
        ring=label("ring"),
        display_name=getattr(namespace, "display_name", ""),
        owner=getattr(namespace, "owner", ""),
        oncall=getattr(namespace, "oncall", ""),
    )


def parts(tenant: Tenant, look: Snapshot, kinds: tuple[str, ...] = _PARTS) -> Iterator[Record]:
    """Return what the tenant is made of."""
    cluster, namespace = tenant.key.cluster, tenant.key.namespace
    for kind in kinds:
        if kind == "namespace":
            own = look.get(Key(cluster, kind, "", namespace))
            if own is not None:
                yield own
        else:
            yield from sorted(
                look.in_namespace(cluster, kind, namespace), key=lambda record: record.key.name
            )


def word(tenant: Tenant, look: Snapshot) -> Word:
    """Name a tenant's state: the worst word of its parts, with the part that has it."""
    known = views()
    judged = [(part, known[part.key.kind].judged(part, look)) for part in parts(tenant, look)]
    judged = [(part, word) for part, word in judged if word.tone is not Tone.OFF] or judged
    part, worst = min(judged, key=lambda pair: pair[1].tone.severity, default=(None, None))
    if worst is None or part is None:
        return Word("UNKNOWN", Tone.UNKNOWN, "nothing of it was read")
    if worst.tone in (Tone.OK, Tone.OFF):
        return _unless_unread(tenant, look)
    name = f"{part.key.kind}/{part.key.name}"
    others = sum(word.tone.severity <= Tone.WARN.severity for _, word in judged) - 1
    more = f" (+{others} more)" if others > 0 else ""
    return Word(worst.text, worst.tone, f"{name}: {worst.reason or worst.text}{more}")


def _unless_unread(tenant: Tenant, look: Snapshot) -> Word:
    """Return OK, or what stands against it: parts may exist that were not read."""
    refused, waiting, failing = [], [], []
    for kind in _PARTS:
        source = look.source(tenant.key.cluster, kind)
        state = source.state if source else None
        if state in (SourceState.FORBIDDEN, SourceState.ABSENT):
            refused.append(kind)
        elif source is not None and source.complete_at is not None:
            continue
        elif state in (SourceState.WAITING, SourceState.LIVE):
            waiting.append(kind)
        else:
            failing.append(kind)
    if failing:
        return Word("UNKNOWN", Tone.UNKNOWN, f"{', '.join(failing)} not read")
    if waiting:
        return Word("LOADING", Tone.PROGRESS, f"{', '.join(waiting)} not read yet")
    return Word("OK", Tone.OK, f"{', '.join(refused)} may not be read" if refused else "")


def _ready(tenant: Tenant, look: Snapshot, kind: str) -> tuple[int, int]:
    found = [part for part in parts(tenant, look, (kind,)) if isinstance(part, Workload)]
    return (
        sum(one.ready or 0 for one in found),
        sum(one.replicas or 0 for one in found),
    )


def _ready_column(title: str, kind: str) -> Column[Tenant]:
    def text(tenant: Tenant, look: Snapshot) -> str:
        source = look.source(tenant.key.cluster, kind)
        if source is None or source.complete_at is None:
            return "?"
        ready, wanted = _ready(tenant, look, kind)
        return of(ready, wanted) if wanted or ready else "-"

    def order(tenant: Tenant, look: Snapshot) -> int:
        ready, wanted = _ready(tenant, look, kind)
        return ready - wanted

    return Column(title=title, text=text, order=order, right=True)


def _autoscalers(tenant: Tenant, look: Snapshot) -> str:
    found = list(parts(tenant, look, ("hpa",)))
    if not found:
        return "-"
    judge = views()["hpa"].judged
    word = min((judge(part, look) for part in found), key=lambda word: word.tone.severity)
    return word.text


def _quota(tenant: Tenant, look: Snapshot) -> float | None:
    tight = [part.tightest for part in parts(tenant, look, ("quota",)) if isinstance(part, Quota)]
    return max((one.share for one in tight if one and one.share is not None), default=None)


def _quota_text(tenant: Tenant, look: Snapshot) -> str:
    share = _quota(tenant, look)
    return "-" if share is None else f"{share:.0%}"


def _tier(tenant: Tenant, _: Snapshot) -> int:
    return _TIERS.index(tenant.tier) if tenant.tier in _TIERS else len(_TIERS)


def _related(tenant: Tenant, look: Snapshot) -> Iterable[Record]:
    return parts(tenant, look, (*_PARTS, "pod", "event"))


def _extra(tenant: Tenant, look: Snapshot) -> dict[str, object]:
    known = views()
    found = [(part, known[part.key.kind].judged(part, look)) for part in parts(tenant, look)]
    return {
        "quotaShare": _quota(tenant, look),
        "parts": [
            {
                "kind": part.key.kind,
                "name": part.key.name,
                "word": word.text,
                "tone": word.tone.value,
                "reason": word.reason,
            }
            for part, word in found
        ],
    }


def _facts(tenant: Tenant, look: Snapshot) -> Iterable[tuple[str, str | Word]]:
    yield "State", VIEW.judged(tenant, look)
    yield "Tenant", f"{tenant.bid}  {tenant.display_name}".strip()
    yield "Tier / isolation", f"{tenant.tier or '?'} / {tenant.isolation or '?'}"
    yield "Region / ring", f"{tenant.region or '?'} / {tenant.ring or '-'}"
    yield "Namespace", tenant.key.namespace
    if tenant.owner or tenant.oncall:
        yield "Owner / on call", f"{tenant.owner or '-'} / {tenant.oncall or '-'}"
    yield "Deployments", of(*_ready(tenant, look, "deployment"))
    yield "StatefulSets", of(*_ready(tenant, look, "statefulset"))
    yield "Autoscalers", _autoscalers(tenant, look)
    yield "Quota", _quota_text(tenant, look)
    yield "Age", age(tenant.created, look.now(tenant.key.cluster))


VIEW: View[Tenant] = View(
    kind="tenant",
    title="Tenants",
    aliases=("tenants", "tn"),
    record=Tenant,
    derive=derive,
    needs=("namespace", "deployment", "statefulset", "hpa", "quota", "pod", "event"),
    word=word,
    columns=(
        Column[Tenant](title="Tenant", text=lambda tenant, _: tenant.bid),
        Column[Tenant](title="Tier", text=lambda tenant, _: tenant.tier or "?", order=_tier),
        *state_columns(lambda: VIEW),
        _ready_column("Deploy", "deployment"),
        _ready_column("Stateful", "statefulset"),
        Column[Tenant](title="Autoscaler", text=_autoscalers),
        Column[Tenant](title="Quota", text=_quota_text, order=_quota, right=True),
        age_column(),
        Column[Tenant](title="Isolation", text=lambda tenant, _: tenant.isolation or "?"),
        place_columns()[0],
        Column[Tenant](title="Name", text=lambda tenant, _: tenant.display_name or "-", wide=True),
        Column[Tenant](title="Ring", text=lambda tenant, _: tenant.ring or "-", wide=True),
        Column[Tenant](title="On call", text=lambda tenant, _: tenant.oncall or "-", wide=True),
        labels_column(),
    ),
    extra=_extra,
    facts=_facts,
    related=_related,
    actions=("scale-tenant",),
)
