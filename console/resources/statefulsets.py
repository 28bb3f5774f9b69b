"""StatefulSets: databases and caches, judged by their lowest pod that is not ready."""

from collections.abc import Iterable

from console.record import Record, Tone, Word
from console.resources.cells import (
    age_column,
    count,
    labels_column,
    of,
    place_columns,
    state_columns,
)
from console.resources.shapes import Pod, Workload
from console.resources.wire import Wire
from console.resources.workload import (
    IMAGES,
    READY,
    UPDATED,
    Template,
    WorkloadMeta,
    WorkloadStatus,
    autoscalers_of,
    badge_column,
    badge_fields,
    carry,
    common,
    incomplete,
    pods_of,
    replicas_badge,
)
from console.store import Snapshot
from console.view import KubeSource, View


class StatefulSet(Workload, frozen=True, kw_only=True):
    """A StatefulSet as its controller reports it."""

    on_delete: bool = False
    """Its pods take a new template only when somebody deletes them."""
    partition: int = 0
    current_replicas: int | None = None
    """Pods of the current revision."""
    current_revision: str = ""
    update_revision: str = ""


class _Rolling(Wire, frozen=True):
    partition: int | None = None


class _Strategy(Wire, frozen=True):
    type: str | None = None
    rolling_update: _Rolling | None = None


class _Spec(Wire, frozen=True):
    replicas: int | None = None
    update_strategy: _Strategy | None = None
    template: Template | None = None


class _Status(WorkloadStatus, frozen=True):
    current_replicas: int | None = None
    current_revision: str | None = None
    update_revision: str | None = None


_NO_META = WorkloadMeta()
_NO_SPEC = _Spec()
_NO_STATUS = _Status()
_NO_STRATEGY = _Strategy()


class StatefulSetWire(Wire, frozen=True):
    """A StatefulSet as the API server writes it."""

    metadata: WorkloadMeta = _NO_META
    spec: _Spec = _NO_SPEC
    status: _Status = _NO_STATUS


def flatten(cluster: str, wire: StatefulSetWire) -> StatefulSet | None:
    """Make the record of a StatefulSet."""
    spec, status = wire.spec, wire.status
    shared = common(cluster, "statefulset", wire.metadata, spec.template, status)
    if shared is None:
        return None
    strategy = spec.update_strategy or _NO_STRATEGY
    rolling = strategy.rolling_update
    reported = 0 if status.observed_generation is not None else None
    pods = status.current_replicas
    return StatefulSet(
        **shared,  # type: ignore[arg-type]  # decoded by field name
        replicas=1 if spec.replicas is None else spec.replicas,
        on_delete=strategy.type == "OnDelete",
        partition=(rolling.partition or 0) if rolling else 0,
        current_replicas=reported if pods is None else pods,
        current_revision=status.current_revision or "",
        update_revision=status.update_revision or "",
    )


def word(found: StatefulSet, look: Snapshot) -> Word:
    """Name a StatefulSet's state: kstatus' rules in their order, and the pod that holds it up."""
    if found.deleting_at is not None:
        return Word("TERMINATING", Tone.PROGRESS)
    if found.observed_generation is None:
        return Word("UNKNOWN", Tone.UNKNOWN, "its controller has not reported yet")
    if found.generation != found.observed_generation:
        return Word("PROGRESSING", Tone.PROGRESS, "its controller has not seen the last change yet")
    if shortfall := _missing(found):
        return incomplete(found, look, f"{shortfall}{_holder(found, look)}")
    if found.on_delete:
        old = [
            pod for pod in pods_of(found, look) if pod.revision not in ("", found.update_revision)
        ]
        if old:
            return Word("OUTDATED", Tone.WARN, f"{len(old)} pods to delete by hand for the update")
    elif shortfall := _outdated(found):
        return incomplete(found, look, f"{shortfall}{_holder(found, look)}")
    if found.replicas == 0:
        return Word("OFF", Tone.OFF, "scaled to 0")
    badge = replicas_badge(found, look)
    return Word("OK", Tone.OK, "" if badge is None else f"{badge.text}: {badge.reason}")


def _missing(found: StatefulSet) -> str:
    wanted, current, ready = found.replicas or 0, found.current or 0, found.ready or 0
    if wanted > current:
        return f"{current}/{wanted} pods created"
    if wanted > ready:
        return f"{ready}/{wanted} pods ready"
    if current > wanted:
        return f"{current - wanted} pods too many"
    return ""


def _outdated(found: StatefulSet) -> str:
    wanted, updated = found.replicas or 0, found.updated or 0
    if found.partition:
        due = wanted - found.partition
        return f"{updated}/{due} pods updated above the partition" if updated < due else ""
    if wanted > (found.current_replicas or 0):
        return f"{found.current_replicas or 0}/{wanted} pods of the current revision"
    if found.current_revision != found.update_revision:
        return f"revision {found.update_revision} is not the current one yet"
    return ""


def ordinal(name: str) -> int:
    """Return the number at the end of a pod's name; -1 when there is none."""
    digits = name.rpartition("-")[2]
    return int(digits) if digits.isdigit() else -1


def _holder(found: StatefulSet, look: Snapshot) -> str:
    """Name the lowest pod that is not ready: an ordered rollout waits for it."""
    waiting = [pod for pod in pods_of(found, look) if not pod.is_ready]
    first: Pod | None = min(waiting, key=lambda pod: ordinal(pod.key.name), default=None)
    return f"; waits for {first.key.name}" if first else ""


def _related(found: StatefulSet, look: Snapshot) -> Iterable[Record]:
    pods = sorted(pods_of(found, look), key=lambda pod: ordinal(pod.key.name))
    return [*autoscalers_of(found, look), *pods]


def _facts(found: StatefulSet, look: Snapshot) -> Iterable[tuple[str, str | Word]]:
    yield "State", VIEW.judged(found, look)
    yield "Ready", of(found.ready, found.replicas)
    yield "Updated", count(found.updated)
    yield "Strategy", "OnDelete" if found.on_delete else f"rolling, partition {found.partition}"
    yield "Revision", found.current_revision or "?"
    if found.update_revision != found.current_revision:
        yield "Updates to", found.update_revision or "?"
    yield "Images", ", ".join(found.images)


VIEW: View[StatefulSet] = View(
    kind="statefulset",
    title="StatefulSets",
    aliases=("statefulsets", "sts"),
    record=StatefulSet,
    source=KubeSource(
        path="/apis/apps/v1/statefulsets", wire=StatefulSetWire, flatten=flatten, carry=carry
    ),
    needs=("pod", "hpa"),
    word=word,
    columns=(
        *place_columns(),
        READY,
        *state_columns(lambda: VIEW),
        UPDATED,
        age_column(),
        IMAGES,
        badge_column(),
        labels_column(),
    ),
    extra=badge_fields,
    facts=_facts,
    related=_related,
)
