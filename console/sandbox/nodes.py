"""Nodes as EKS gives them: groups, zones, sizes, conditions."""

import msgspec

from console.sandbox.kinds import NODE
from console.sandbox.objects import Obj, now
from console.sandbox.registry import Registry, Writer

_BY = Writer("kubelet")


class Group(msgspec.Struct, frozen=True):
    """A node group: how many nodes, of what size, for what."""

    name: str
    role: str
    count: int
    instance: str
    cpu: str
    memory: str
    pods: int
    taint: str = ""
    spot: bool = False


def system(count: int) -> Group:
    """Describe a group for the cluster's own pods."""
    return Group("system", "system", count, "t3.large", "1930m", "6900Mi", 35)


def application(count: int, *, spot: bool = False) -> Group:
    """Describe a group for tenants' stateless pods."""
    name = "application-spot" if spot else "application"
    return Group(name, "application", count, "c5.2xlarge", "7910m", "14800Mi", 58, spot=spot)


def database(count: int) -> Group:
    """Describe a group for tenants' databases."""
    return Group(
        "database", "database", count, "r5.4xlarge", "15890m", "123000Mi", 234, "database-only"
    )


def create(registry: Registry, region: str, version: str, groups: tuple[Group, ...]) -> None:
    """Create the nodes of every group, spread over three zones."""
    number = 0
    for group in groups:
        for at in range(group.count):
            number += 1
            node = _node(group, region, version, zone=f"{region}{'abc'[at % 3]}", number=number)
            made = registry.create(NODE, "", node, _BY)
            registry.set_status(NODE, made, node["status"], _BY)


def _node(group: Group, region: str, version: str, *, zone: str, number: int) -> Obj:
    address = f"10.{len(region)}.{number}.{17 + 7 * number % 200}"
    name = f"ip-{address.replace('.', '-')}.{region}.compute.internal"
    capacity = {"cpu": group.cpu, "memory": group.memory, "pods": str(group.pods)}
    full = {"t3.large": "2", "c5.2xlarge": "8", "r5.4xlarge": "16"}[group.instance]
    taints = [{"key": group.taint, "value": "true", "effect": "NoSchedule"}] if group.taint else []
    return {
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "node.kubernetes.io/instance-type": group.instance,
                "topology.kubernetes.io/region": region,
                "topology.kubernetes.io/zone": zone,
                "eks.amazonaws.com/nodegroup": group.name,
                "eks.amazonaws.com/capacityType": "SPOT" if group.spot else "ON_DEMAND",
                "role": group.role,
            },
        },
        "spec": {
            "providerID": f"aws:///{zone}/i-{number:017x}",
            **({"taints": taints} if taints else {}),
        },
        "status": {
            "capacity": {**capacity, "cpu": full},
            "allocatable": capacity,
            "addresses": [
                {"type": "InternalIP", "address": address},
                {"type": "Hostname", "address": name},
            ],
            "nodeInfo": {
                "kubeletVersion": version,
                "kubeProxyVersion": version,
                "osImage": "Amazon Linux 2023",
                "operatingSystem": "linux",
                "architecture": "amd64",
                "kernelVersion": "6.12.40-64.114.amzn2023.x86_64",
                "containerRuntimeVersion": "containerd://2.1.4",
                "machineID": f"{number:032x}",
                "systemUUID": f"{number:032x}",
                "bootID": f"{number:032x}",
            },
            "conditions": _conditions(),
        },
    }


def _conditions() -> list[Obj]:
    quiet = (
        ("MemoryPressure", "KubeletHasSufficientMemory", "has sufficient memory available"),
        ("DiskPressure", "KubeletHasNoDiskPressure", "has no disk pressure"),
        ("PIDPressure", "KubeletHasSufficientPID", "has sufficient PID available"),
    )
    found = [_condition(kind, "False", why, f"kubelet {text}") for kind, why, text in quiet]
    return [*found, _condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")]


def _condition(kind: str, status: str, reason: str, message: str) -> Obj:
    moment = now()
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastHeartbeatTime": moment,
        "lastTransitionTime": moment,
    }


def break_one(registry: Registry, group: str) -> None:
    """Make the last node of a group NotReady."""
    found = [
        node
        for node in registry.store.entries(NODE)
        if node.obj["metadata"]["labels"]["eks.amazonaws.com/nodegroup"] == group
    ][-1]
    text = (
        "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady"
        " message:Network plugin returns error: cni plugin not initialized"
    )

    def taint(obj: Obj) -> None:
        bad = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule", "timeAdded": now()}
        obj["spec"].setdefault("taints", []).append(bad)

    tainted = registry.change(NODE, found, taint, Writer("kube-controller-manager"))

    def fail(obj: Obj) -> None:
        kept = [one for one in obj["status"]["conditions"] if one["type"] != "Ready"]
        obj["status"]["conditions"] = [
            *kept,
            _condition("Ready", "False", "KubeletNotReady", text),
        ]

    registry.change(NODE, tainted, fail, _BY, subresource="status")
