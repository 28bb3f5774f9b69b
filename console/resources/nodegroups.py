"""Node groups, as the labels of their nodes tell; what only the cloud knows is unknown."""

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from console.record import Key, Record, Tone, Word
from console.resources import views
from console.resources.cells import bytes_text, cpu_text, of, place_columns, state_columns
from console.resources.index import NODES_BY_GROUP, PODS_BY_NODE
from console.resources.shapes import Node
from console.store import Snapshot
from console.view import Column, View

_UNTOLD = "size limits unknown: the cloud was not asked"


class NodeGroup(Record, frozen=True, kw_only=True):
    """Nodes that are made alike."""

    group_kind: str = ""
    """eks, karpenter, or unmanaged; empty for nodes whose labels name no group."""
    nodes: int = 0
    ready: int = 0
    cordoned: int = 0
    zones: dict[str, int] = msgspec.field(default_factory=dict)
    instance_types: tuple[str, ...] = ()
    capacity_types: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    cpu_milli: int | None = None
    """Allocatable on its ready nodes that take pods."""
    memory_bytes: int | None = None
    desired: int | None = None
    """None: only the cloud tells."""
    minimum: int | None = None
    maximum: int | None = None


def derive(look: Snapshot) -> Iterator[NodeGroup]:
    """Gather the nodes of each cluster by their group."""
    groups: dict[tuple[str, str], list[Node]] = {}
    for node in look.rows("node"):
        if isinstance(node, Node):
            groups.setdefault((node.key.cluster, node.group), []).append(node)
    for (cluster, name), nodes in groups.items():
        yield _group(cluster, name, nodes)


def _group(cluster: str, name: str, nodes: list[Node]) -> NodeGroup:
    usable = [node for node in nodes if node.is_ready and not node.unschedulable]
    return NodeGroup(
        key=Key(cluster, "nodegroup", "", name or "-"),
        created=min((node.created for node in nodes if node.created is not None), default=None),
        group_kind=nodes[0].group_kind,
        nodes=len(nodes),
        ready=sum(node.is_ready for node in nodes),
        cordoned=sum(node.unschedulable for node in nodes),
        zones=dict(sorted(Counter(node.zone or "?" for node in nodes).items())),
        instance_types=_distinct(node.instance_type for node in nodes),
        capacity_types=_distinct(node.capacity_type for node in nodes),
        versions=_distinct(node.kubelet for node in nodes),
        cpu_milli=_sum(node.cpu_milli for node in usable),
        memory_bytes=_sum(node.memory_bytes for node in usable),
    )


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))


def _sum(values: Iterable[int | None]) -> int | None:
    """Add up; None when a part is unknown."""
    found = list(values)
    known = [value for value in found if value is not None]
    return sum(known) if len(known) == len(found) else None


def _nodes(group: NodeGroup, look: Snapshot) -> list[Node]:
    name = "" if group.key.name == "-" else group.key.name
    return NODES_BY_GROUP.find(look, group.key.cluster, name)


def word(group: NodeGroup, look: Snapshot) -> Word:
    """Name a group's state from its nodes; DEGRADED, LAUNCH FAILING and AT MAX need the cloud."""
    if group.ready < group.nodes:
        missing = group.nodes - group.ready
        return Word("SHORT", Tone.BAD if not group.ready else Tone.WARN, _of_nodes(missing, group))
    if _is_skewed(group):
        spread = ", ".join(f"{zone} {number}" for zone, number in group.zones.items())
        return Word("AZ SKEW", Tone.WARN, f"{spread}; {_UNTOLD}")
    judge = views()["node"].word
    noticed = [
        node.key.name for node in _nodes(group, look) if judge(node, look).text == "SPOT NOTICE"
    ]
    if noticed:
        return Word("SPOT RISK", Tone.WARN, f"{', '.join(noticed)} will be taken; {_UNTOLD}")
    return Word("OK", Tone.OK, _UNTOLD)


def _of_nodes(missing: int, group: NodeGroup) -> str:
    return f"{missing} of {group.nodes} nodes not ready; {_UNTOLD}"


def _is_skewed(group: NodeGroup) -> bool:
    """Tell whether zones differ by more than one node and by more than a fifth."""
    known = [number for zone, number in group.zones.items() if zone != "?"]
    if len(known) < 2:
        return False
    difference = max(known) - min(known)
    return difference > 1 and difference > 0.2 * max(known)


def _asked(group: NodeGroup, look: Snapshot) -> tuple[int, int] | None:
    source = look.source(group.key.cluster, "pod")
    if source is None or source.complete_at is None:
        return None
    pods = [
        pod
        for node in _nodes(group, look)
        if node.is_ready and not node.unschedulable
        for pod in PODS_BY_NODE.find(look, group.key.cluster, node.key.name)
        if not pod.is_over
    ]
    return sum(pod.cpu_milli for pod in pods), sum(pod.memory_bytes for pod in pods)


def _share(part: int | None, whole: int | None) -> str:
    return "?" if part is None or not whole else f"{round(100 * part / whole)}%"


def _cpu(group: NodeGroup, look: Snapshot) -> str:
    asked = _asked(group, look)
    return _share(asked[0] if asked else None, group.cpu_milli)


def _memory(group: NodeGroup, look: Snapshot) -> str:
    asked = _asked(group, look)
    return _share(asked[1] if asked else None, group.memory_bytes)


def _zones(group: NodeGroup) -> str:
    return " ".join(f"{zone}:{number}" for zone, number in group.zones.items())


def _related(group: NodeGroup, look: Snapshot) -> Iterable[Record]:
    return sorted(_nodes(group, look), key=lambda node: node.key.name)


def _facts(group: NodeGroup, look: Snapshot) -> Iterable[tuple[str, str | Word]]:
    yield "State", VIEW.judged(group, look)
    yield "Kind", group.group_kind or "no group label"
    yield "Nodes ready", of(group.ready, group.nodes)
    yield "Cordoned", str(group.cordoned)
    yield "Min / desired / max", "? / ? / ? (the cloud was not asked)"
    yield "Zones", _zones(group)
    yield "Instances", ", ".join(group.instance_types) or "?"
    yield "Capacity", ", ".join(group.capacity_types) or "?"
    yield "Versions", ", ".join(group.versions) or "?"
    asked = _asked(group, look) or (None, None)
    yield "Processor", f"{cpu_text(asked[0])} of {cpu_text(group.cpu_milli)} asked for"
    yield "Memory", f"{bytes_text(asked[1])} of {bytes_text(group.memory_bytes)} asked for"


VIEW: View[NodeGroup] = View(
    kind="nodegroup",
    title="Node groups",
    aliases=("nodegroups", "ng", "nodepool", "nodepools"),
    record=NodeGroup,
    derive=derive,
    needs=("node", "pod"),
    word=word,
    namespaced=False,
    columns=(
        *place_columns(namespaced=False),
        Column[NodeGroup](
            title="Ready",
            text=lambda group, _: of(group.ready, group.nodes),
            order=lambda group, _: group.ready - group.nodes,
            right=True,
        ),
        *state_columns(lambda: VIEW),
        Column[NodeGroup](title="Zones", text=lambda group, _: _zones(group)),
        Column[NodeGroup](title="CPU", text=_cpu, right=True),
        Column[NodeGroup](title="Mem", text=_memory, right=True),
        Column[NodeGroup](
            title="Instances", text=lambda group, _: ",".join(group.instance_types) or "?"
        ),
        Column[NodeGroup](
            title="Version", text=lambda group, _: ",".join(group.versions) or "?", wide=True
        ),
        Column[NodeGroup](
            title="Cordoned",
            text=lambda group, _: str(group.cordoned),
            order=lambda group, _: group.cordoned,
            right=True,
            wide=True,
        ),
        Column[NodeGroup](
            title="Capacity", text=lambda group, _: ",".join(group.capacity_types) or "?", wide=True
        ),
    ),
    facts=_facts,
    related=_related,
)
