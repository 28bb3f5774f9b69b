"""What Deployments and StatefulSets have in common: decoding, history, the cause in their pods."""

from collections.abc import Iterable
from sys import intern
from typing import Any, TypeVar

import msgspec

from console.clock import parse_time
from console.record import Record, Tone, Word
from console.resources import views
from console.resources.cells import count, of
from console.resources.index import PODS_BY_OWNER
from console.resources.shapes import Pod, Workload, condition
from console.resources.wire import GenerationMeta, Wire, WireCondition, base, conditions
from console.store import Snapshot
from console.view import Column

_ARGO = "argocd"
_START_SECONDS = 60.0
"""How long a workload may be below its least availability, as when it starts."""
_CLUSTER_MANAGER = "kube-controller-manager"


class ReplicasField(Wire, frozen=True):
    """Whether a manager owns `spec.replicas`."""

    replicas: dict[str, object] | None = msgspec.field(default=None, name="f:replicas")


class OwnedFields(Wire, frozen=True):
    """The part of `fieldsV1` that is read."""

    spec: ReplicasField | None = msgspec.field(default=None, name="f:spec")


class ManagedFields(Wire, frozen=True):
    """An entry of `metadata.managedFields`."""

    manager: str | None = None
    time: str | None = None
    fields: OwnedFields | None = msgspec.field(default=None, name="fieldsV1")


class WorkloadMeta(GenerationMeta, frozen=True):
    """A workload's metadata."""

    managed_fields: list[ManagedFields] | None = None


class TemplateContainer(Wire, frozen=True):
    """A container of the template."""

    image: str | None = None


class TemplateSpec(Wire, frozen=True):
    """The template's pod spec."""

    containers: list[TemplateContainer] | None = None


class Template(Wire, frozen=True):
    """The pod template."""

    spec: TemplateSpec | None = None


class WorkloadStatus(Wire, frozen=True):
    """Counts that both kinds report."""

    observed_generation: int | None = None
    replicas: int | None = None
    updated_replicas: int | None = None
    ready_replicas: int | None = None
    available_replicas: int | None = None
    conditions: list[WireCondition] | None = None


def common(
    cluster: str,
    kind: str,
    meta: WorkloadMeta,
    template: Template | None,
    status: WorkloadStatus,
) -> dict[str, object] | None:
    """Decode what both kinds share; None for an object without a name."""
    start = base(cluster, kind, meta)
    if start is None:
        return None
    reported = 0 if status.observed_generation is not None else None
    containers = (template.spec.containers or ()) if template and template.spec else ()
    setter, set_at = _replicas_setter(meta.managed_fields or ())
    return {
        **start,
        "current": _told(status.replicas, reported),
        "updated": _told(status.updated_replicas, reported),
        "ready": _told(status.ready_replicas, reported),
        "available": _told(status.available_replicas, reported),
        "generation": meta.generation,
        "observed_generation": status.observed_generation,
        "conditions": conditions(status.conditions),
        "images": tuple(intern(one.image or "?") for one in containers),
        "deleting_at": parse_time(meta.deletion_timestamp),
        "set_by": setter,
        "set_at": set_at,
    }


def _told(number: int | None, otherwise: int | None) -> int | None:
    return otherwise if number is None else number


def _replicas_setter(entries: Iterable[ManagedFields]) -> tuple[str, float | None]:
    """Return who besides the cluster's controller owns `spec.replicas`; Argo CD goes first."""
    owners = [
        (entry.manager or "?", parse_time(entry.time))
        for entry in entries
        if entry.fields and entry.fields.spec and entry.fields.spec.replicas is not None
        if entry.manager != _CLUSTER_MANAGER
    ]
    return max(
        owners, key=lambda owner: (owner[0].startswith(_ARGO), owner[1] or 0.0), default=("", None)
    )


W = TypeVar("W", bound=Workload)


def carry(before: W, fresh: W, now: float) -> W:
    """Remember since when too few pods are ready."""
    if not fresh.is_short:
        return fresh
    since = before.short_since if before.is_short else now
    return msgspec.structs.replace(fresh, short_since=since)


def short_seconds(workload: Workload, look: Snapshot) -> float | None:
    """Return for how long, at least, too few pods have been ready; None when that is unknown."""
    if not workload.is_short:
        return None
    now = look.now(workload.key.cluster)
    if workload.short_since is not None:
        return now - workload.short_since
    stuck = sorted(
        pod.since or pod.created or now for pod in pods_of(workload, look) if not pod.is_ready
    )
    # When the last of the missing pods became unready, too few have been ready since.
    wanted = workload.replicas or 0
    needed = int(0.2 * wanted) + 1
    return now - stuck[needed - 1] if len(stuck) >= needed else None


def pods_of(workload: Workload, look: Snapshot) -> list[Pod]:
    """Return a workload's pods, as far as pods are read."""
    owner = {"deployment": "Deployment", "statefulset": "StatefulSet"}[workload.key.kind]
    place = (workload.key.namespace, owner, workload.key.name)
    return PODS_BY_OWNER.find(look, workload.key.cluster, place)


def pod_cause(workload: Workload, look: Snapshot) -> str:
    """Name the first pod that is broken, and why; empty when none is."""
    view = views()["pod"]
    for pod in sorted(pods_of(workload, look), key=lambda one: one.key.name):
        word = view.word(pod, look)
        if word.tone is Tone.BAD:
            return f"{pod.key.name} {word.text}" + (f": {word.reason}" if word.reason else "")
    return ""


def replicas_badge(workload: Workload, look: Snapshot) -> Word | None:
    """Tell when somebody sets the replicas that an autoscaler is to set."""
    if not workload.set_by or not autoscalers_of(workload, look):
        return None
    since = f"spec.replicas set by {workload.set_by}"
    if workload.set_by.startswith(_ARGO):
        return Word("GIT FIGHT", Tone.WARN, f"{since}: the manifest still contains replicas")
    return Word("HAND-SET", Tone.WARN, f"{since} under an autoscaler")


def badge_fields(workload: Workload, look: Snapshot) -> dict[str, object]:
    """Return the badge for `-o json`; None when nothing is the matter or nobody can tell."""
    badge = replicas_badge(workload, look)
    return {"badge": badge.text if badge else None}


READY: Column[Any] = Column[Workload](
    title="Ready",
    text=lambda found, _: of(found.ready, found.replicas),
    order=lambda found, _: (found.ready or 0) - (found.replicas or 0),
    right=True,
)
UPDATED: Column[Any] = Column[Workload](
    title="Updated",
    text=lambda found, _: count(found.updated),
    order=lambda found, _: found.updated,
    right=True,
)
IMAGES: Column[Any] = Column[Workload](
    title="Images", text=lambda found, _: ",".join(found.images) or "-", wide=True
)


def badge_column() -> Column[Any]:
    """Return the column of the badge."""

    def text(workload: Workload, look: Snapshot) -> str | Word:
        return replicas_badge(workload, look) or "-"

    return Column[Workload](title="Badge", text=text, wide=True)


def autoscalers_of(workload: Workload, look: Snapshot) -> list[Record]:
    """Return the autoscalers whose target is this workload."""
    kind, key = workload.key.kind, workload.key
    return [
        record
        for record in look.in_namespace(key.cluster, "hpa", key.namespace)
        if getattr(record, "target_kind", "").lower() == kind
        and getattr(record, "target_name", "") == key.name
    ]


def incomplete(workload: Workload, look: Snapshot, shortfall: str) -> Word:
    """Judge a workload of which `shortfall` says what is missing."""
    if cause := pod_cause(workload, look):
        text = "DEGRADED" if workload.ready else "UNAVAILABLE"
        return Word(text, Tone.BAD, f"{shortfall}; {cause}")
    available = condition(workload.conditions, "Available")
    if available is not None and available.status == "False":
        lasted = look.now(workload.key.cluster) - (available.since or 0.0)
        if lasted > _START_SECONDS:
            return Word("UNAVAILABLE", Tone.BAD, f"{shortfall}; {available.reason}")
    waited = short_seconds(workload, look)
    if waited is not None and waited > 120:
        return Word("NOT READY", Tone.WARN, f"{shortfall} for {int(waited // 60)}m")
    return Word("PROGRESSING", Tone.PROGRESS, shortfall)
