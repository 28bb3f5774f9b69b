"""Nodes: whether they take work, what asks for their room, and which group they belong to."""

from collections.abc import Iterable

import msgspec

from console.record import Key, Record, Tone, Word
from console.resources.cells import (
    age,
    age_column,
    bytes_text,
    count,
    cpu_text,
    labels_column,
    place_columns,
    state_columns,
)
from console.resources.index import PODS_BY_NODE
from console.resources.shapes import Node, Pod, condition
from console.resources.wire import Meta, Wire, WireCondition, base, conditions, milli
from console.store import Snapshot
from console.units import format_age
from console.view import Column, KubeSource, View

__all__ = ["VIEW", "Node", "flatten", "word"]

_NEW_SECONDS = 300.0
_DRAIN = "ai-shifu.io/drain"
_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure")
_NOTICE_TAINTS = (
    "aws-node-termination-handler/spot-itn",
    "aws-node-termination-handler/asg-lifecycle-termination",
    "aws-node-termination-handler/rebalance-recommendation",
    "aws-node-termination-handler/scheduled-maintenance",
)
_DRAIN_TAINTS = ("karpenter.sh/disrupted", "ToBeDeletedByClusterAutoscaler")
_GROUP_LABELS = (
    ("eks.amazonaws.com/nodegroup", "eks"),
    ("karpenter.sh/nodepool", "karpenter"),
    ("role", "unmanaged"),
)
_CAPACITY_LABELS = ("karpenter.sh/capacity-type", "eks.amazonaws.com/capacityType")


class _Meta(Meta, frozen=True):
    annotations: dict[str, str] | None = None


class _Taint(Wire, frozen=True):
    key: str = ""
    value: str | None = None
    effect: str | None = None


class _Spec(Wire, frozen=True):
    unschedulable: bool | None = None
    taints: list[_Taint] | None = None
    provider_id: str | None = msgspec.field(default=None, name="providerID")


class _Info(Wire, frozen=True):
    kubelet_version: str | None = None


class _Address(Wire, frozen=True):
    type: str = ""
    address: str = ""


class _Status(Wire, frozen=True):
    conditions: list[WireCondition] | None = None
    allocatable: dict[str, str] | None = None
    addresses: list[_Address] | None = None
    node_info: _Info | None = None


_NO_META = _Meta()
_NO_SPEC = _Spec()
_NO_STATUS = _Status()


class NodeWire(Wire, frozen=True):
    """A node as the API server writes it."""

    metadata: _Meta = _NO_META
    spec: _Spec = _NO_SPEC
    status: _Status = _NO_STATUS


def flatten(cluster: str, wire: NodeWire) -> Node | None:
    """Make the record of a node."""
    start = base(cluster, "node", wire.metadata)
    if start is None:
        return None
    labels, spec, status = start["labels"], wire.spec, wire.status
    group, kind = next(
        ((labels[label], kind) for label, kind in _GROUP_LABELS if labels.get(label)), ("", "")
    )
    capacity = next((labels[label] for label in _CAPACITY_LABELS if label in labels), "")
    room = status.allocatable or {}
    memory, slots = milli(room.get("memory")), milli(room.get("pods"))
    return Node(
        **start,
        group=group,
        group_kind=kind,
        zone=labels.get("topology.kubernetes.io/zone", ""),
        instance_type=labels.get("node.kubernetes.io/instance-type", ""),
        capacity_type=capacity.lower().replace("_", "-"),
        kubelet=(status.node_info.kubelet_version or "") if status.node_info else "",
        conditions=conditions(status.conditions),
        unschedulable=spec.unschedulable is True,
        taints=tuple(_taint(taint) for taint in spec.taints or ()),
        drain=(wire.metadata.annotations or {}).get(_DRAIN, ""),
        cpu_milli=milli(room.get("cpu")),
        memory_bytes=None if memory is None else memory // 1000,
        pod_slots=None if slots is None else slots // 1000,
        provider_id=spec.provider_id or "",
        address=next(
            (one.address for one in status.addresses or () if one.type == "InternalIP"), ""
        ),
    )


def _taint(taint: _Taint) -> str:
    value = f"={taint.value}" if taint.value else ""
    return f"{taint.key}{value}:{taint.effect or ''}"


def word(node: Node, look: Snapshot) -> Word:
    """Name a node's state; the first rule that holds wins.

    GONE, an instance that was terminated while its node stays, needs the cloud's word.
    """
    now = look.now(node.key.cluster)
    ready = condition(node.conditions, "Ready")
    if ready is None:
        return Word("UNKNOWN", Tone.UNKNOWN, "it has not reported Ready either way")
    said = f"{ready.reason} for {age(ready.since, now)}: {ready.message}"
    if ready.status == "False":
        return Word("NOT READY", Tone.BAD, said)
    if ready.status != "True":
        return Word("UNREACHABLE", Tone.BAD, said)
    pressed = [one for one in node.conditions if one.type in _PRESSURES and one.status == "True"]
    if pressed:
        return Word("PRESSURE", Tone.BAD, ", ".join(one.type for one in pressed))
    network = condition(node.conditions, "NetworkUnavailable")
    if network is not None and network.status == "True":
        return Word("NETWORK", Tone.BAD, network.message or network.reason)
    if notice := _tainted(node, _NOTICE_TAINTS):
        return Word("SPOT NOTICE", Tone.WARN, notice)
    if node.drain or _tainted(node, _DRAIN_TAINTS):
        by = f"by run {node.drain}" if node.drain else _tainted(node, _DRAIN_TAINTS)
        return Word("DRAINING", Tone.PROGRESS, by)
    if node.unschedulable:
        return Word("CORDONED", Tone.WARN, "takes no new pods")
    if node.created is not None and now - node.created < _NEW_SECONDS:
        return Word("NEW", Tone.PROGRESS, f"{format_age(now - node.created)} old")
    return Word("OK", Tone.OK)


def _tainted(node: Node, keys: tuple[str, ...]) -> str:
    return next((taint for taint in node.taints if taint.startswith(keys)), "")


def _pods(node: Node, look: Snapshot) -> list[Pod]:
    return [
        pod for pod in PODS_BY_NODE.find(look, node.key.cluster, node.key.name) if not pod.is_over
    ]


def _reads_pods(node: Node, look: Snapshot) -> bool:
    source = look.source(node.key.cluster, "pod")
    return source is not None and source.complete_at is not None


def _requested(node: Node, look: Snapshot) -> tuple[int, int, int] | None:
    """Return how many pods it has, and what they ask for; None while pods are not read."""
    if not _reads_pods(node, look):
        return None
    pods = _pods(node, look)
    return len(pods), sum(one.cpu_milli for one in pods), sum(one.memory_bytes for one in pods)


def _pods_text(node: Node, look: Snapshot) -> str:
    asked = _requested(node, look)
    return f"{asked[0] if asked else '?'}/{count(node.pod_slots)}"


def _share(part: int | None, whole: int | None) -> str:
    return "?" if part is None or not whole else f"{round(100 * part / whole)}%"


def _related(node: Node, look: Snapshot) -> Iterable[Record]:
    key = Key(node.key.cluster, "nodegroup", "", node.group or "-")
    group = look.get(key)
    return [*([group] if group else []), *_pods(node, look)]


def _extra(node: Node, look: Snapshot) -> dict[str, object]:
    asked = _requested(node, look) or (None, None, None)
    return {"pods": asked[0], "cpuRequestedMilli": asked[1], "memoryRequestedBytes": asked[2]}


def _facts(node: Node, look: Snapshot) -> Iterable[tuple[str, str | Word]]:
    asked = _requested(node, look)
    yield "State", VIEW.judged(node, look)
    yield "Group", f"{node.group} ({node.group_kind})" if node.group else "-"
    yield "Zone", node.zone or "?"
    yield "Instance", f"{node.instance_type or '?'} {node.capacity_type}".strip()
    yield "Kubelet", node.kubelet or "?"
    yield "Pods", _pods_text(node, look)
    cpu, memory = (asked[1], asked[2]) if asked else (None, None)
    yield "Processor", f"{cpu_text(cpu)} of {cpu_text(node.cpu_milli)} asked for"
    yield "Memory", f"{bytes_text(memory)} of {bytes_text(node.memory_bytes)} asked for"
    yield "Taints", ", ".join(node.taints) or "-"
    yield "Address", node.address or "-"
    yield "Provider id", node.provider_id or "-"


VIEW: View[Node] = View(
    kind="node",
    title="Nodes",
    aliases=("nodes", "no"),
    record=Node,
    source=KubeSource(path="/api/v1/nodes", wire=NodeWire, flatten=flatten),
    needs=("pod",),
    word=word,
    namespaced=False,
    columns=(
        *place_columns(namespaced=False),
        *state_columns(lambda: VIEW),
        Column[Node](title="Group", text=lambda node, _: node.group or "-"),
        Column[Node](title="Zone", text=lambda node, _: node.zone or "?"),
        Column[Node](
            title="Pods",
            text=_pods_text,
            order=lambda node, look: len(_pods(node, look)),
            right=True,
        ),
        Column[Node](
            title="CPU",
            text=lambda node, look: _share(
                (_requested(node, look) or (None, None, None))[1], node.cpu_milli
            ),
            right=True,
        ),
        Column[Node](
            title="Mem",
            text=lambda node, look: _share(
                (_requested(node, look) or (None, None, None))[2], node.memory_bytes
            ),
            right=True,
        ),
        Column[Node](title="Version", text=lambda node, _: node.kubelet or "?"),
        age_column(),
        Column[Node](title="Instance", text=lambda node, _: node.instance_type or "?", wide=True),
        Column[Node](title="Capacity", text=lambda node, _: node.capacity_type or "?", wide=True),
        Column[Node](title="Taints", text=lambda node, _: ",".join(node.taints) or "-", wide=True),
        Column[Node](title="Address", text=lambda node, _: node.address or "-", wide=True),
        labels_column(),
    ),
    extra=_extra,
    facts=_facts,
    related=_related,
)
