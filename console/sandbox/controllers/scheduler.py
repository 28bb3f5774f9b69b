"""Finds a node for each pod, or says why there is none."""

from collections import Counter, defaultdict
from decimal import Decimal

from console.sandbox.admission import pod_resources
from console.sandbox.controllers.world import World, with_condition
from console.sandbox.kinds import NODE, POD
from console.sandbox.objects import Obj, condition, dig, labels, quantity
from console.sandbox.registry import Writer
from console.sandbox.selectors import selector_test
from console.sandbox.store import Entry

SCHEDULER = Writer("kube-scheduler")

Usage = defaultdict[str, dict[str, Decimal]]


def reconcile(world: World) -> None:
    """Bind what waits for a node."""
    waiting = [
        pod
        for pod in world.store.entries(POD)
        if not dig(pod.obj, "spec", "nodeName") and not pod.obj["metadata"].get("deletionTimestamp")
    ]
    if not waiting:
        return
    used = _usage(world)
    for pod in waiting:
        _place(world, pod, used)


def _usage(world: World) -> Usage:
    used: Usage = defaultdict(dict)
    for pod in world.store.objects(POD):
        if node := dig(pod, "spec", "nodeName"):
            _take(used[node], pod)
    return used


def _take(used: dict[str, Decimal], pod: Obj) -> None:
    for name, value in {**pod_resources(pod, "requests"), "pods": Decimal(1)}.items():
        used[name] = used.get(name, Decimal(0)) + value


def _place(world: World, pod: Entry, used: Usage) -> None:
    reasons: Counter[str] = Counter()
    fitting: list[tuple[Decimal, str]] = []
    nodes = [*world.store.objects(NODE)]
    for node in nodes:
        name = node["metadata"]["name"]
        why = _obstacle(world, pod.obj, node, used[name])
        if why:
            reasons[why] += 1
        else:
            fitting.append((used[name].get("memory", Decimal(0)), name))
    if fitting:
        chosen = min(fitting)[1]
        _take(used[chosen], pod.obj)
        _bind(world, pod, chosen)
        return
    listed = ", ".join(f"{count} {why}" for why, count in sorted(reasons.items()))
    text = f"0/{len(nodes)} nodes are available: {listed}."
    if (condition(pod.obj, "PodScheduled") or {}).get("message") != text:
        _report(world, pod, text)


def _obstacle(world: World, pod: Obj, node: Obj, used: dict[str, Decimal]) -> str:
    spec, marks = pod["spec"], labels(node)
    for taint in dig(node, "spec", "taints") or ():
        if taint["effect"] != "PreferNoSchedule" and not _tolerated(spec, taint):
            if taint["key"] == "node.kubernetes.io/unschedulable":
                return "node(s) were unschedulable"
            value = taint.get("value", "")
            return f"node(s) had untolerated taint(s) {{{taint['key']}: {value}}}"
    if not set((spec.get("nodeSelector") or {}).items()) <= set(marks.items()):
        return "node(s) didn't match Pod's node affinity/selector"
    room = node["status"]["allocatable"]
    asked = {**pod_resources(pod, "requests"), "pods": Decimal(1)}
    for name, value in asked.items():
        if used.get(name, Decimal(0)) + value > quantity(room.get(name, 0)):
            return "Too many pods" if name == "pods" else f"Insufficient {name}"
    if _kept_apart(world, pod, node["metadata"]["name"]):
        return "node(s) didn't match pod anti-affinity rules"
    return ""


def _tolerated(spec: Obj, taint: Obj) -> bool:
    return any(
        one.get("effect", taint["effect"]) == taint["effect"]
        and one.get("key", taint["key"]) == taint["key"]
        and (one.get("operator") == "Exists" or one.get("value", "") == taint.get("value", ""))
        for one in spec.get("tolerations") or ()
    )


def _kept_apart(world: World, pod: Obj, node: str) -> bool:
    rules = dig(
        pod, "spec", "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"
    )
    for rule in rules or ():
        takes = selector_test(rule.get("labelSelector"))
        for other in world.store.objects(POD, pod["metadata"]["namespace"]):
            if dig(other, "spec", "nodeName") == node and takes(labels(other)):
                return True
    return False


def _bind(world: World, pod: Entry, node: str) -> None:
    meta = pod.obj["metadata"]

    def bind(obj: Obj) -> None:
        obj["spec"]["nodeName"] = node

    bound = world.registry.change(POD, pod, bind, SCHEDULER)
    status = bound.copy().get("status") or {}
    with_condition(status, "PodScheduled", "True", "", "")
    world.set_status(POD, bound, status, SCHEDULER)
    text = f"Successfully assigned {meta['namespace']}/{meta['name']} to {node}"
    world.event(POD, pod.obj, "Scheduled", text, source="default-scheduler")


def _report(world: World, pod: Entry, text: str) -> None:
    status = pod.copy().get("status") or {}
    with_condition(status, "PodScheduled", "False", "Unschedulable", text)
    world.set_status(POD, pod, status, SCHEDULER)
    world.event(POD, pod.obj, "FailedScheduling", text, word="Warning", source="default-scheduler")
