"""What the real fleet is made of: its clusters, their nodes and their tenants."""

import itertools
from collections.abc import Iterator

import msgspec

from tests.real.kubelets import Node
from tests.real.tenants import App, Tenant

_ZONES = ("a", "b", "c")


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster of the fleet."""

    context: str
    alias: str
    role: str
    region: str
    nodes: tuple[Node, ...]
    tenants: tuple[Tenant, ...] = ()


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """One node group."""

    name: str
    role: str
    size: int
    instance: str
    cpu: str
    memory: str
    pods: str
    capacity: str = "ON_DEMAND"
    taints: tuple[dict[str, str], ...] = ()


_SYSTEM = Group(
    name="system-nodes",
    role="system",
    size=2,
    instance="t3.large",
    cpu="2",
    memory="8Gi",
    pods="35",
    taints=({"key": "system-reserved", "value": "true", "effect": "NoSchedule"},),
)
_APPS = Group(
    name="app-nodes",
    role="application",
    size=3,
    instance="c5.2xlarge",
    cpu="8",
    memory="16Gi",
    pods="58",
    capacity="SPOT",
)
_DATA = Group(
    name="data-nodes",
    role="database",
    size=3,
    instance="r5.2xlarge",
    cpu="8",
    memory="64Gi",
    pods="58",
    taints=({"key": "database-only", "value": "true", "effect": "NoSchedule"},),
)


def sites() -> tuple[Site, ...]:
    """Return the fleet, the management cluster first."""
    west, europe = "us-west-2", "eu-central-1"
    return (
        Site(
            context=f"mgmt-{west}",
            alias="mgmt",
            role="management",
            region=west,
            nodes=_nodes(west, "mgmt", _SYSTEM),
        ),
        Site(
            context=f"prod-{west}",
            alias="usw2",
            role="tenant",
            region=west,
            nodes=_nodes(west, "usw2", _SYSTEM, _APPS, _DATA),
            tenants=(
                _premium("acme", west),
                _standard("globex", west),
                _enterprise("initech", west),
            ),
        ),
        Site(
            context=f"prod-{europe}",
            alias="euc1",
            role="tenant",
            region=europe,
            nodes=_nodes(europe, "euc1", _SYSTEM, _APPS, _DATA),
            tenants=(
                _premium("umbrella", europe),
                _standard("hooli", europe, cook_web_fault="image-pull"),
                _standard("stark", europe, cook_web_fault="crash-loop"),
            ),
        ),
    )


def _premium(bid: str, region: str) -> Tenant:
    return Tenant(
        bid=bid,
        tier="premium",
        isolation="hybrid",
        region=region,
        apps=_apps((2, 6), (2, 4), (1, 2)),
        quota={"requests.cpu": "8", "requests.memory": "16Gi", "pods": "45"},
    )


def _enterprise(bid: str, region: str) -> Tenant:
    return Tenant(
        bid=bid,
        tier="enterprise",
        isolation="dedicated",
        region=region,
        apps=_apps((3, 10), (2, 6), (2, 4)),
        quota={"requests.cpu": "12", "requests.memory": "24Gi", "pods": "80"},
    )


def _standard(bid: str, region: str, *, cook_web_fault: str = "") -> Tenant:
    return Tenant(
        bid=bid,
        tier="standard",
        isolation="shared",
        region=region,
        apps=_apps((2, 4), (1, 3), (1, 2), cook_web_fault=cook_web_fault),
        # Just what its own maxima need: a higher maximum does not fit.
        quota={"requests.cpu": "2", "requests.memory": "4Gi", "pods": "12"},
    )


def _apps(
    api: tuple[int, int],
    web: tuple[int, int],
    cook_web: tuple[int, int],
    *,
    cook_web_fault: str = "",
) -> dict[str, App]:
    return {
        "ai-shifu-api": App(minimum=api[0], maximum=api[1], cpu="200m", memory="256Mi"),
        "ai-shifu-web": App(minimum=web[0], maximum=web[1], cpu="100m", memory="128Mi"),
        "ai-shifu-cook-web": App(
            minimum=cook_web[0],
            maximum=cook_web[1],
            cpu="100m",
            memory="128Mi",
            fault=cook_web_fault,
        ),
    }


def _nodes(region: str, cluster: str, *groups: Group) -> tuple[Node, ...]:
    return tuple(itertools.chain.from_iterable(_group(region, cluster, one) for one in groups))


def _group(region: str, cluster: str, group: Group) -> Iterator[Node]:
    for index in range(group.size):
        zone = f"{region}{_ZONES[index % len(_ZONES)]}"
        name = f"{cluster}-{group.role}-{index}"
        yield Node(
            name=name,
            labels={
                "role": group.role,
                "eks.amazonaws.com/nodegroup": group.name,
                "eks.amazonaws.com/capacityType": group.capacity,
                "node.kubernetes.io/instance-type": group.instance,
                "topology.kubernetes.io/region": region,
                "topology.kubernetes.io/zone": zone,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
            },
            taints=group.taints,
            cpu=group.cpu,
            memory=group.memory,
            pods=group.pods,
            provider_id=f"aws:///{zone}/i-{name}",
        )
