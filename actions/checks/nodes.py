"""Whether the nodes have room for more pods of a shape."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, ClassVar

from actions.checks.base import Check
from actions.workloads import component_hpa, name_of, pod_needs, scaled_workload
from actions.world import Report, World
from console.resources.shapes import Node, Pod
from console.store import SourceState

_KEEPS_OFF = (":NoSchedule", ":NoExecute")


class NodesRoom(Check, frozen=True, kw_only=True):
    """How many more pods fit now, counted node by node; affinity and zones are not judged."""

    NAME: ClassVar[str] = "nodes.room"

    component: str
    replicas: int

    async def judge(self, world: World) -> Report:
        workload = await scaled_workload(world, await component_hpa(world, self.component))
        extra = self.replicas - int(workload.get("status", {}).get("replicas") or 0)
        if extra <= 0:
            return Report(ok=True, message=f"{self.replicas} replicas run already")
        await world.collect(("node", "pod"), (world.cluster,))
        for kind in ("node", "pod"):
            source = world.look.source(world.cluster, kind)
            if source is None or source.state is not SourceState.LIVE:
                reason = source.error if source else "nobody asked"
                return Report(ok=None, message=f"the {kind}s cannot be read: {reason}")
        template = workload["spec"]["template"]
        needs = pod_needs(template, "requests")
        nodes = [row for row in world.look.rows("node", (world.cluster,)) if isinstance(row, Node)]
        pods = [row for row in world.look.rows("pod", (world.cluster,)) if isinstance(row, Pod)]
        fitting = room(nodes, pods, needs, template["spec"])
        message = (
            f"{extra} more pods of {name_of(workload)} are needed, {fitting} fit the nodes now"
        )
        remedy = "the cluster autoscaler has to add nodes first"
        return Report(ok=fitting >= extra, message=message, remedy=remedy)


def room(
    nodes: Iterable[Node],
    pods: Iterable[Pod],
    needs: Mapping[str, Decimal | None],
    pod_spec: Mapping[str, Any],
) -> int:
    """Count how many more pods fit: whole pods per node, never the sum over nodes."""
    used: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for pod in pods:
        if pod.node and not pod.is_over:
            taken = used[pod.node]
            taken[0] += pod.cpu_milli
            taken[1] += pod.memory_bytes
            taken[2] += 1
    shape = (
        int((needs.get("cpu") or Decimal(0)) * 1000),
        int(needs.get("memory") or Decimal(0)),
        1,
    )
    return sum(
        _fits(node, used[node.key.name], shape)
        for node in nodes
        if node.is_ready and not node.unschedulable and _admits(node, pod_spec)
    )


def _fits(node: Node, taken: list[int], shape: tuple[int, int, int]) -> int:
    room = (node.cpu_milli or 0, node.memory_bytes or 0, node.pod_slots or 0)
    counts = [
        max(0, have - used) // need
        for have, used, need in zip(room, taken, shape, strict=True)
        if need
    ]
    return min(counts)


def _admits(node: Node, pod_spec: Mapping[str, Any]) -> bool:
    wanted = pod_spec.get("nodeSelector") or {}
    if any(node.labels.get(name) != value for name, value in wanted.items()):
        return False
    tolerations = pod_spec.get("tolerations") or ()
    repelling = [taint for taint in node.taints if taint.endswith(_KEEPS_OFF)]
    return all(any(_tolerates(entry, taint) for entry in tolerations) for taint in repelling)


def _tolerates(toleration: Mapping[str, Any], taint: str) -> bool:
    text, _, effect = taint.rpartition(":")
    key, _, value = text.partition("=")
    if toleration.get("effect") not in (None, "", effect):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", key)
    return bool(toleration.get("key") == key and (toleration.get("value") or "") == value)
