"""Pods: status as kubectl says it, and the cause behind it."""

import re
from collections.abc import Iterable
from sys import intern

from console.record import Key, Record, Tone, Word
from console.resources.cells import (
    age,
    age_column,
    bytes_text,
    cpu_text,
    labels_column,
    place_columns,
    state_columns,
)
from console.resources.pod_wire import PodMeta, PodWire, last_end, requests, shown
from console.resources.shapes import Node, Pod
from console.resources.wire import moment, shared_labels
from console.store import Snapshot
from console.units import format_age
from console.view import Column, KubeSource, View

__all__ = ["VIEW", "Pod", "flatten", "obstacles", "word"]

_GRACE_SECONDS = 60.0
"""How long after its grace period a pod may take to go."""
_SCHEDULE_SECONDS = 15.0
_START_SECONDS = 300.0
_READY_SECONDS = 60.0
_EXIT_SECONDS = 600.0

_BROKEN = frozenset(
    {
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "ErrImageNeverPull",
        "ImageInspectError",
        "InvalidImageName",
        "RegistryUnavailable",
        "SignatureValidationFailed",
        "CreateContainerConfigError",
        "CreateContainerError",
        "CreatePodSandboxError",
        "RunContainerError",
        "StartError",
        "PreStartHookError",
        "PostStartHookError",
        "ContainerCannotRun",
        "ContainerStatusUnknown",
        "DeadlineExceeded",
        "OOMKilled",
        "Error",
    }
)


def flatten(cluster: str, wire: PodWire) -> Pod | None:
    """Make the slim record of a pod."""
    meta, spec, status = wire.metadata, wire.spec, wire.status
    if not meta.name:
        return None
    seen = shown(wire)
    ready = scheduled = since = None
    for condition in status.conditions or ():
        if condition.type == "Ready":
            ready, since = condition.status == "True", moment(condition.last_transition_time)
        elif condition.type == "PodScheduled":
            scheduled = condition.status == "True"
    end = last_end(status) if seen.restarts or status.phase == "Failed" else None
    owner_kind, owner_name, revision = _owner(meta)
    cpu, memory = requests(spec)
    init = spec.init_containers
    sidecars = sum(one.restart_policy == "Always" for one in init) if init else 0
    return Pod(
        key=Key(cluster, "pod", intern(meta.namespace or ""), meta.name),
        uid=meta.uid or "",
        version=meta.resource_version or "",
        created=moment(meta.creation_timestamp),
        labels=shared_labels(meta.labels),
        phase=intern(status.phase or ""),
        status=intern(seen.status),
        detail=seen.detail[:500],
        ready=seen.ready,
        containers=len(spec.containers or ()) + sidecars,
        restarts=seen.restarts,
        is_ready=ready,
        since=since,
        node=intern(spec.node_name or ""),
        owner_kind=owner_kind,
        owner_name=owner_name,
        revision=revision,
        last_exit=f"{end.reason or 'ended'} ({end.exit_code})" if end else "",
        last_exit_at=moment(end.finished_at) if end else None,
        scheduled=scheduled,
        deleting_at=moment(meta.deletion_timestamp),
        finalizers=bool(meta.finalizers),
        cpu_milli=cpu,
        memory_bytes=memory,
        ip=status.pod_ip or "",
    )


def _owner(meta: PodMeta) -> tuple[str, str, str]:
    labels = meta.labels or {}
    template = labels.get("pod-template-hash")
    revision = intern(template or labels.get("controller-revision-hash", ""))
    for owner in meta.owner_references or ():
        if owner.controller is False:
            continue
        # A Deployment names its ReplicaSets after itself and the template's hash.
        if template and owner.kind == "ReplicaSet" and owner.name.endswith(f"-{template}"):
            return "Deployment", intern(owner.name[: -len(template) - 1]), revision
        return intern(owner.kind), intern(owner.name), revision
    return "", "", revision


def word(pod: Pod, look: Snapshot) -> Word:  # noqa: C901  first match wins
    """Name a pod's state: kubectl's status, its tone, and the cause."""
    now = look.now(pod.key.cluster)
    status, lasted = pod.status, age(pod.since or pod.created, now)
    if pod.deleting_at is not None and not pod.is_over:
        return _terminating(pod, look, now)
    if pod.phase == "Succeeded":
        return Word(status, Tone.OFF)
    if pod.phase == "Failed":
        return Word(status, Tone.BAD, pod.detail or f"failed; last exit {pod.last_exit or '?'}")
    if pod.phase in ("Unknown", "") or status == "Unknown":
        return Word("Unknown", Tone.UNKNOWN, pod.detail or "its node does not report")
    if pod.scheduled is False:
        return _unscheduled(pod, now)
    if _is_broken(status):
        return Word(status, Tone.BAD, _cause(pod, now))
    if pod.phase == "Pending":
        old = pod.created is not None and now - pod.created > _START_SECONDS
        text = "Pending" if status == "Pending" else status
        reason = f"not started after {age(pod.created, now)}" if old else pod.detail
        return Word(text, Tone.WARN if old else Tone.PROGRESS, reason)
    if status.startswith("Init:"):
        return Word(status, Tone.PROGRESS, pod.detail or f"initializing for {lasted}")
    if pod.is_ready is False or pod.ready < pod.containers:
        return _not_ready(pod, now)
    if pod.last_exit_at is not None and now - pod.last_exit_at < _EXIT_SECONDS:
        text = "OOMKilled" if pod.last_exit.startswith("OOMKilled") else "Restarted"
        return Word(text, Tone.WARN, f"runs again; {_exit(pod, now)}")
    return Word(status, Tone.OK if pod.is_ready else Tone.PROGRESS)


def _is_broken(status: str) -> bool:
    plain = status.removeprefix("Init:")
    return plain in _BROKEN or plain.startswith(("ExitCode:", "Signal:"))


def _exit(pod: Pod, now: float) -> str:
    return f"last exit {pod.last_exit} {age(pod.last_exit_at, now)} ago"


def _cause(pod: Pod, now: float) -> str:
    exits = _exit(pod, now) if pod.last_exit else ""
    return "; ".join(part for part in (exits, pod.detail) if part) or f"{pod.restarts} restarts"


def _not_ready(pod: Pod, now: float) -> Word:
    since = pod.since or pod.created
    reason = f"{pod.ready}/{pod.containers} containers ready for {age(since, now)}"
    if pod.detail:
        reason = f"{reason}: {pod.detail}"
    if pod.is_ready is False and pod.ready >= pod.containers:
        reason = f"containers ready, pod not, for {age(since, now)}"
    young = since is not None and now - since < _READY_SECONDS
    return Word("NotReady", Tone.PROGRESS if young else Tone.WARN, reason)


def _terminating(pod: Pod, look: Snapshot, now: float) -> Word:
    late = now - (pod.deleting_at or now)
    if late <= _GRACE_SECONDS:
        return Word("Terminating", Tone.PROGRESS)
    node = look.get(Key(pod.key.cluster, "node", "", pod.node))
    if isinstance(node, Node) and not node.is_ready:
        cause = f"node {pod.node} is not ready"
    elif pod.finalizers:
        cause = "a finalizer holds it"
    else:
        cause = "volume detach or container runtime"
    return Word("Terminating", Tone.BAD, f"stuck for {format_age(late)} after its grace: {cause}")


def _unscheduled(pod: Pod, now: float) -> Word:
    if pod.status == "SchedulingGated":
        return Word("SchedulingGated", Tone.WARN, pod.detail or "scheduling gates")
    young = pod.created is not None and now - pod.created <= _SCHEDULE_SECONDS
    classes = ", ".join(obstacles(pod.detail)) or "no reason given"
    tone = Tone.PROGRESS if young else Tone.BAD
    return Word("Unschedulable", tone, f"{classes}: {pod.detail}" if pod.detail else classes)


_OBSTACLES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("cpu", re.compile(r"Insufficient cpu")),
    ("memory", re.compile(r"Insufficient memory")),
    ("storage", re.compile(r"Insufficient ephemeral-storage")),
    ("extended resource", re.compile(r"Insufficient [\w.-]+/[\w.-]+")),
    ("pods limit", re.compile(r"Too many pods")),
    ("taint", re.compile(r"taint")),
    ("cordoned", re.compile(r"were unschedulable")),
    ("affinity", re.compile(r"affinity|node selector|didn't match Pod's node")),
    ("spread", re.compile(r"topology spread")),
    ("volume zone", re.compile(r"volume node affinity|no available volume zone")),
    ("volume limit", re.compile(r"max volume count")),
    (
        "PVC pending",
        re.compile(r"persistentvolumeclaim|persistent volumes? to bind|unbound", re.IGNORECASE),
    ),
    ("host port", re.compile(r"free ports")),
    ("no nodes", re.compile(r"^(?:0/0 nodes|no nodes available)")),
)


def obstacles(message: str) -> Iterable[str]:
    """Classify why the scheduler found no node, from its message."""
    # The part after `preemption:` repeats node counts for evicting others, not for this pod.
    said = message.split("preemption:", maxsplit=1)[0].replace("volume node affinity", "vol-zone")
    for name, pattern in _OBSTACLES:
        text = message if name == "volume zone" else said
        if pattern.search(text):
            yield name


def _related(pod: Pod, look: Snapshot) -> Iterable[Record]:
    cluster, namespace = pod.key.cluster, pod.key.namespace
    keys = [
        Key(cluster, pod.owner_kind.lower(), namespace, pod.owner_name),
        Key(cluster, "node", "", pod.node),
        Key(cluster, "namespace", "", namespace),
    ]
    return [record for record in map(look.get, keys) if record is not None]


def _restarts(pod: Pod, look: Snapshot) -> str:
    if not pod.restarts or pod.last_exit_at is None:
        return str(pod.restarts)
    return f"{pod.restarts} ({age(pod.last_exit_at, look.now(pod.key.cluster))} ago)"


def _facts(pod: Pod, look: Snapshot) -> Iterable[tuple[str, str | Word]]:
    now = look.now(pod.key.cluster)
    yield "State", VIEW.judged(pod, look)
    yield "Phase", pod.phase or "?"
    yield "Ready", f"{pod.ready}/{pod.containers}"
    yield "Restarts", _restarts(pod, look)
    if pod.last_exit:
        yield "Last exit", f"{pod.last_exit} {age(pod.last_exit_at, now)} ago"
    yield "Node", pod.node or "-"
    yield "Address", pod.ip or "-"
    yield "Owner", f"{pod.owner_kind}/{pod.owner_name}" if pod.owner_kind else "-"
    yield "Revision", pod.revision or "-"
    yield "Requests", f"cpu {cpu_text(pod.cpu_milli)}, memory {bytes_text(pod.memory_bytes)}"
    if pod.detail:
        yield "Message", pod.detail


VIEW: View[Pod] = View(
    kind="pod",
    title="Pods",
    aliases=("pods", "po"),
    record=Pod,
    source=KubeSource(path="/api/v1/pods", wire=PodWire, flatten=flatten),
    word=word,
    columns=(
        *place_columns(),
        Column[Pod](
            title="Ready",
            text=lambda pod, _: f"{pod.ready}/{pod.containers}",
            order=lambda pod, _: pod.ready - pod.containers,
            right=True,
        ),
        *state_columns(lambda: VIEW),
        Column[Pod](
            title="Restarts", text=_restarts, order=lambda pod, _: pod.restarts, right=True
        ),
        Column[Pod](title="Node", text=lambda pod, _: pod.node or "-"),
        age_column(),
        Column[Pod](title="IP", text=lambda pod, _: pod.ip or "-", wide=True),
        Column[Pod](
            title="Owner",
            text=lambda pod, _: f"{pod.owner_kind}/{pod.owner_name}" if pod.owner_kind else "-",
            wide=True,
        ),
        Column[Pod](
            title="CPU req",
            text=lambda pod, _: cpu_text(pod.cpu_milli),
            order=lambda pod, _: pod.cpu_milli,
            right=True,
            wide=True,
        ),
        Column[Pod](
            title="Mem req",
            text=lambda pod, _: bytes_text(pod.memory_bytes),
            order=lambda pod, _: pod.memory_bytes,
            right=True,
            wide=True,
        ),
        labels_column(),
    ),
    facts=_facts,
    related=_related,
)
