"""Deployments: how far they are rolled out, and what keeps them."""

from collections.abc import Iterable

from console.record import Record, Tone, Word
from console.resources.cells import (
    age,
    age_column,
    count,
    labels_column,
    of,
    place_columns,
    state_columns,
)
from console.resources.shapes import Workload, condition, holds
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
from console.view import Column, KubeSource, View


class Deployment(Workload, frozen=True, kw_only=True):
    """A Deployment as its controller reports it."""

    paused: bool = False
    has_deadline: bool = True
    """Whether the controller judges its progress at all."""


class _Spec(Wire, frozen=True):
    replicas: int | None = None
    paused: bool | None = None
    progress_deadline_seconds: int | None = None
    template: Template | None = None


_NO_META = WorkloadMeta()
_NO_SPEC = _Spec()
_NO_STATUS = WorkloadStatus()


class DeploymentWire(Wire, frozen=True):
    """A Deployment as the API server writes it."""

    metadata: WorkloadMeta = _NO_META
    spec: _Spec = _NO_SPEC
    status: WorkloadStatus = _NO_STATUS


_NO_DEADLINE = 2**31 - 1


def flatten(cluster: str, wire: DeploymentWire) -> Deployment | None:
    """Make the record of a Deployment."""
    spec = wire.spec
    shared = common(cluster, "deployment", wire.metadata, spec.template, wire.status)
    if shared is None:
        return None
    return Deployment(
        **shared,  # type: ignore[arg-type]  # decoded by field name
        replicas=1 if spec.replicas is None else spec.replicas,
        paused=spec.paused is True,
        has_deadline=spec.progress_deadline_seconds not in (None, _NO_DEADLINE),
    )


def word(found: Deployment, look: Snapshot) -> Word:
    """Name a Deployment's state: kstatus' rules in their order, and the cause in its pods."""
    if found.deleting_at is not None:
        return Word("TERMINATING", Tone.PROGRESS)
    if found.observed_generation is None:
        return Word("UNKNOWN", Tone.UNKNOWN, "its controller has not reported yet")
    if found.generation != found.observed_generation:
        return Word("PROGRESSING", Tone.PROGRESS, "its controller has not seen the last change yet")
    if failure := _failure(found):
        return failure
    shortfall = _shortfall(found)
    if found.paused and shortfall:
        return Word("PAUSED", Tone.WARN, f"rollout paused; {shortfall}")
    if shortfall:
        return incomplete(found, look, shortfall)
    if found.replicas == 0:
        return Word("OFF", Tone.OFF, "scaled to 0")
    badge = replicas_badge(found, look)
    return Word("OK", Tone.OK, "" if badge is None else f"{badge.text}: {badge.reason}")


def _failure(found: Deployment) -> Word | None:
    progressing = condition(found.conditions, "Progressing")
    failed = condition(found.conditions, "ReplicaFailure")
    if failed is not None and failed.status == "True":
        return Word("REPLICA FAILURE", Tone.BAD, f"{failed.reason}: {failed.message}")
    if progressing is not None and progressing.reason == "ProgressDeadlineExceeded":
        return Word("STALLED", Tone.BAD, progressing.message or progressing.reason)
    return None


def _shortfall(found: Deployment) -> str:
    """Say what is missing, by kstatus' rules in their order; empty when nothing is."""
    wanted = found.replicas or 0
    current, updated = found.current or 0, found.updated or 0
    available, ready = found.available or 0, found.ready or 0
    if wanted > current:
        return f"{current}/{wanted} pods created"
    if wanted > updated:
        return f"{updated}/{wanted} pods updated"
    if current > wanted:
        return f"{current - wanted} old pods still there"
    if updated > available:
        return f"{available}/{updated} pods available"
    if wanted > ready:
        return f"{ready}/{wanted} pods ready"
    progressing = condition(found.conditions, "Progressing")
    reason = progressing.reason if progressing is not None else "no Progressing condition"
    if found.has_deadline and not found.paused and reason != "NewReplicaSetAvailable":
        return f"rollout not confirmed: {reason}"
    if not holds(found.conditions, "Available"):
        return "not available"
    return ""


def _related(found: Deployment, look: Snapshot) -> Iterable[Record]:
    return [*autoscalers_of(found, look), *pods_of(found, look)]


def _facts(found: Deployment, look: Snapshot) -> Iterable[tuple[str, str | Word]]:
    yield "State", VIEW.judged(found, look)
    yield "Ready", of(found.ready, found.replicas)
    yield "Updated", count(found.updated)
    yield "Available", count(found.available)
    yield "Images", ", ".join(found.images)
    yield "Paused", "yes" if found.paused else "no"
    if found.set_by:
        moment = age(found.set_at, look.now(found.key.cluster))
        yield "Replicas set by", f"{found.set_by} {moment} ago"
    badge = replicas_badge(found, look)
    if badge is not None:
        yield "Replicas", badge


VIEW: View[Deployment] = View(
    kind="deployment",
    title="Deployments",
    aliases=("deployments", "deploy", "dp"),
    record=Deployment,
    source=KubeSource(
        path="/apis/apps/v1/deployments", wire=DeploymentWire, flatten=flatten, carry=carry
    ),
    needs=("pod", "hpa"),
    word=word,
    columns=(
        *place_columns(),
        READY,
        *state_columns(lambda: VIEW),
        UPDATED,
        Column[Deployment](
            title="Available",
            text=lambda found, _: count(found.available),
            order=lambda found, _: found.available,
            right=True,
        ),
        age_column(),
        IMAGES,
        badge_column(),
        labels_column(),
    ),
    extra=badge_fields,
    facts=_facts,
    related=_related,
    actions=("scale-tenant",),
)
