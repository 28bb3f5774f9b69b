"""Scenarios that bring Deployments, StatefulSets, pods and nodes into trouble and out of it."""

from collections.abc import Iterator

from tests.real.api import Object
from tests.real.kubelets import Node
from tests.real.scenario import Change, Deed, Make, Remove, Scenario
from tests.real.stages import NODE_FAULT, NODE_FAULTS, POD_FAULT, POD_FAULTS
from tests.real.workloads import deployment, pod_template, stateful_set

_HERE = ""
_FINALIZER = "shifu.test/held"


def scenarios() -> Iterator[Scenario]:
    """Return all of them; each in a namespace of its own."""
    yield from _deployments()
    yield from _stateful_sets()
    yield from _pods()


def nodes() -> tuple[tuple[Node, Object], ...]:
    """Return the nodes of the recording, each with what is done to it."""
    plain = tuple((_node(f"plain-{index}"), _NOTHING) for index in range(4))
    broken = tuple((_node(name), _annotated(NODE_FAULT, name)) for name in NODE_FAULTS)
    tainted = tuple(
        (_node(name), {"spec": {"taints": [{"key": key, "effect": effect}]}})
        for name, key, effect in _TAINTS
    )
    cordoned = {"spec": {"unschedulable": True}}
    mixed = (
        (_node("cordoned"), cordoned),
        (_node("draining"), cordoned | _annotated("ai-shifu.io/drain", "run-1")),
        (_node("cordoned-not-ready"), cordoned | _annotated(NODE_FAULT, "not-ready")),
        (_node("cordoned-full"), cordoned | _annotated(NODE_FAULT, "disk-pressure")),
        (_node("leaving"), {"metadata": {"finalizers": [_FINALIZER]}}),
    )
    return (*plain, *broken, *tainted, *mixed)


_NOTHING: Object = {}
_TAINTS = (
    ("spot-notice", "aws-node-termination-handler/spot-itn", "NoSchedule"),
    ("karpenter-disrupted", "karpenter.sh/disrupted", "NoSchedule"),
    ("autoscaler-leaving", "ToBeDeletedByClusterAutoscaler", "NoSchedule"),
    ("reserved", "database-only", "NoSchedule"),
    ("evicting", "maintenance", "NoExecute"),
)


def _annotated(name: str, value: str) -> Object:
    return {"metadata": {"annotations": {name: value}}}


def _node(name: str) -> Node:
    labels = {
        "eks.amazonaws.com/nodegroup": "app-nodes",
        "topology.kubernetes.io/region": "us-west-2",
        "topology.kubernetes.io/zone": "us-west-2a",
        "node.kubernetes.io/instance-type": "c5.2xlarge",
    }
    return Node(name=name, labels=labels, pods="250", provider_id=f"aws:///us-west-2a/i-{name}")


def _release(fault: str) -> Object:
    annotations = {POD_FAULT: fault} if fault else None
    labels = {"release": fault or "good"}
    template = {"metadata": {"annotations": annotations, "labels": labels}}
    return {"spec": {"template": template}}


def _course(kind: str, *changes: tuple[float, Object]) -> tuple[tuple[float, Deed], ...]:
    return tuple((second, Change(f"{kind}/app", body)) for second, body in changes)


def _quota() -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "tenant-quota", "namespace": _HERE},
        "spec": {"hard": {"pods": "3"}},
    }


def _deployments() -> Iterator[Scenario]:
    def kind(
        name: str,
        *changes: tuple[float, Object],
        extra: tuple[Object, ...] = (),
        spec: Object = _NOTHING,
    ) -> Scenario:
        item = deployment(_HERE, "app", replicas=3)
        item["spec"] |= spec
        course = _course("deployments", *changes)
        return Scenario(name=f"deployment-{name}", items=(*extra, item), course=course)

    impatient: Object = {"progressDeadlineSeconds": 12}
    yield kind("rollout", (10, _release("restarted")), (25, _release("")))
    for fault in ("image-pull", "crash-loop", "unready", "init-crash", "config-error"):
        yield kind(f"rollout-{fault}", (10, _release(fault)), (45, _release("")), spec=impatient)
    yield kind(
        "recreate-fails",
        (10, _release("crash-loop")),
        spec={"strategy": {"type": "Recreate"}, **impatient},
    )
    yield kind("slow", (5, _release("restarted")), spec={"minReadySeconds": 20})
    yield kind("paused", (10, {"spec": {"paused": True}}), (20, _release("restarted")))
    yield kind("stopped", (10, {"spec": {"replicas": 0}}), (30, {"spec": {"replicas": 2}}))
    yield kind("quota", (10, {"spec": {"replicas": 6}}), extra=(_quota(),), spec=impatient)
    yield kind("leaving", (10, {"metadata": {"finalizers": [_FINALIZER]}}))
    huge = deployment(_HERE, "app", replicas=3, cpu="100")
    yield Scenario(name="deployment-does-not-fit", items=(huge,))
    kubectl = Change("deployments/app/scale", {"spec": {"replicas": 5}}, "kubectl")
    argocd = Change("deployments/app", {"spec": {"replicas": 2}}, "argocd-controller")
    yield Scenario(
        name="deployment-by-hand",
        items=(deployment(_HERE, "app"),),
        course=((10, kubectl), (20, argocd)),
    )


def _stateful_sets() -> Iterator[Scenario]:
    def kind(
        name: str, *changes: tuple[float, Object], fault: str = "", spec: Object = _NOTHING
    ) -> Scenario:
        item = stateful_set(_HERE, "app", replicas=3, fault=fault)
        item["spec"] |= spec
        course = _course("statefulsets", *changes)
        return Scenario(name=f"statefulset-{name}", items=(item,), course=course)

    yield kind("rollout", (10, _release("restarted")))
    for fault in ("image-pull", "crash-loop", "unready"):
        yield kind(f"rollout-{fault}", (10, _release(fault)))
        yield kind(f"born-{fault}", fault=fault)
    yield kind(
        "on-delete", (10, _release("restarted")), spec={"updateStrategy": {"type": "OnDelete"}}
    )
    partition = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    yield kind("partition", (10, _release("restarted")), spec={"updateStrategy": partition})
    yield kind("parallel", (10, _release("unready")), spec={"podManagementPolicy": "Parallel"})
    yield kind("stopped", (10, {"spec": {"replicas": 0}}), (25, {"spec": {"replicas": 2}}))
    yield kind("slow", spec={"minReadySeconds": 15})
    huge = stateful_set(_HERE, "app", cpu="100")
    yield Scenario(name="statefulset-does-not-fit", items=(huge,))


def _pods() -> Iterator[Scenario]:
    faults = tuple(_pod(name, fault=name) for name in POD_FAULTS)
    yield Scenario(name="pod-faults", items=faults)
    held = _pod("held")
    held["metadata"]["finalizers"] = [_FINALIZER]
    picky = _pod("picky", nodeSelector={"role": "nowhere"})
    gated = _pod("gated", schedulingGates=[{"name": "shifu.test/gate"}])
    bound = _pod("bound-to-nothing", nodeName="no-such-node")
    claims = [{"name": "data", "persistentVolumeClaim": {"claimName": "missing"}}]
    items = (
        held,
        picky,
        gated,
        bound,
        _pod("plain"),
        _pod("huge", cpu="100"),
        _pod("no-volume", volumes=claims),
        _pod("ready-gate", readinessGates=[{"conditionType": "shifu.test/ready"}]),
    )
    late: tuple[tuple[float, Deed], ...] = ((8, Remove("pods/held")), (10, Make(_pod("late"))))
    yield Scenario(name="pod-places", items=items, course=late)


def _pod(name: str, *, fault: str = "", cpu: str = "50m", **spec: object) -> Object:
    template = pod_template(name, cpu=cpu, fault=fault)
    metadata = template["metadata"] | {"name": name, "namespace": _HERE}
    body = template["spec"] | spec
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body}
