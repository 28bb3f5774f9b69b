"""StatefulSets, ordinal by ordinal, and DaemonSets, a pod a node."""

from console.sandbox.controllers.world import MANAGER, World, is_ready, pod_from, template_hash
from console.sandbox.kinds import CLAIM, DAEMON_SET, NODE, STATEFUL_SET
from console.sandbox.objects import Obj, dig, labels, owner_reference
from console.sandbox.store import Entry

_HASH = "controller-revision-hash"


def reconcile(world: World) -> None:
    """Move every StatefulSet and DaemonSet one step towards its spec."""
    world.each(STATEFUL_SET, _reconcile_stateful)
    world.each(DAEMON_SET, _reconcile_daemon)


def _ordinal(pod: Obj) -> int:
    return int(str(pod["metadata"]["name"]).rpartition("-")[2])


def _reconcile_stateful(world: World, found: Entry) -> None:
    meta, spec = found.obj["metadata"], found.obj["spec"]
    revision = f"{meta['name']}-{template_hash(spec['template'])}"
    everyone = {_ordinal(pod.obj): pod for pod in world.pods.get(meta["uid"], ())}
    alive = {_ordinal(pod.obj): pod for pod in world.active(meta["uid"])}
    wanted = spec["replicas"]
    settled = _fill(world, found.obj, revision, everyone, wanted)
    extra = [ordinal for ordinal in alive if ordinal >= wanted]
    if extra and len(alive) == len(everyone):
        world.delete_pod(STATEFUL_SET, found.obj, alive[max(extra)])
    elif settled and len(alive) == wanted:
        _roll(world, found.obj, revision, alive)
    _stateful_status(world, found, revision)


def _fill(world: World, sts: Obj, revision: str, everyone: dict[int, Entry], wanted: int) -> bool:
    ordered = sts["spec"].get("podManagementPolicy") != "Parallel"
    for ordinal in range(wanted):
        pod = everyone.get(ordinal)
        if pod is None:
            _create(world, sts, revision, ordinal)
        if ordered and (pod is None or not is_ready(pod.obj)):
            return False
    return all(is_ready(everyone[n].obj) for n in range(wanted) if n in everyone)


def _create(world: World, sts: Obj, revision: str, ordinal: int) -> None:
    meta, spec = sts["metadata"], sts["spec"]
    name = f"{meta['name']}-{ordinal}"
    marks = {
        _HASH: revision,
        "statefulset.kubernetes.io/pod-name": name,
        "apps.kubernetes.io/pod-index": str(ordinal),
    }
    pod = pod_from(
        spec["template"], owner_reference("apps/v1", "StatefulSet", sts), name=name, labels=marks
    )
    pod["spec"] |= {"hostname": name, "subdomain": spec.get("serviceName", "")}
    for claim in spec.get("volumeClaimTemplates") or ():
        volume = f"{claim['metadata']['name']}-{name}"
        _claim(world, sts, claim, volume)
        bound = {
            "name": claim["metadata"]["name"],
            "persistentVolumeClaim": {"claimName": volume},
        }
        pod["spec"].setdefault("volumes", []).append(bound)
    world.create_pod(STATEFUL_SET, sts, pod)


def _claim(world: World, sts: Obj, template: Obj, name: str) -> None:
    namespace = sts["metadata"]["namespace"]
    if world.store.get(CLAIM, namespace, name):
        return
    marks = dig(sts, "spec", "selector", "matchLabels") or {}
    body = {"metadata": {"name": name, "labels": dict(marks)}, "spec": dict(template["spec"])}
    made = world.registry.create(CLAIM, namespace, body, MANAGER)
    uid = made.obj["metadata"]["uid"]

    def bind(claim: Obj) -> None:
        claim["spec"]["volumeName"] = f"pvc-{uid}"

    made = world.registry.change(CLAIM, made, bind, MANAGER)
    status = {
        "phase": "Bound",
        "accessModes": template["spec"]["accessModes"],
        "capacity": dict(template["spec"]["resources"]["requests"]),
    }
    world.set_status(CLAIM, made, status)


def _roll(world: World, sts: Obj, revision: str, alive: dict[int, Entry]) -> None:
    strategy = sts["spec"]["updateStrategy"]
    if strategy.get("type") == "OnDelete":
        return
    first = dig(strategy, "rollingUpdate", "partition") or 0
    stale = [n for n, pod in alive.items() if n >= first and labels(pod.obj).get(_HASH) != revision]
    if stale:
        world.delete_pod(STATEFUL_SET, sts, alive[max(stale)])


def _stateful_status(world: World, found: Entry, revision: str) -> None:
    meta = found.obj["metadata"]
    pods = [pod.obj for pod in world.active(meta["uid"])]
    ready = sum(map(is_ready, pods))
    updated = sum(labels(pod).get(_HASH) == revision for pod in pods)
    before = dig(found.obj, "status", "currentRevision") or revision
    current = revision if updated == len(pods) == found.obj["spec"]["replicas"] else before
    same = sum(labels(pod).get(_HASH) == current for pod in pods)
    status: Obj = {
        "observedGeneration": meta["generation"],
        "replicas": len(pods),
        "availableReplicas": ready,
        "currentRevision": current,
        "updateRevision": revision,
        "collisionCount": 0,
        **({"readyReplicas": ready} if ready else {}),
        **({"currentReplicas": same} if same else {}),
        **({"updatedReplicas": updated} if updated else {}),
    }
    world.set_status(STATEFUL_SET, found, status)


def _reconcile_daemon(world: World, found: Entry) -> None:
    meta, spec = found.obj["metadata"], found.obj["spec"]
    revision = template_hash(spec["template"])
    pods = {dig(pod.obj, "spec", "nodeName"): pod for pod in world.active(meta["uid"])}
    nodes = [node["metadata"]["name"] for node in world.store.objects(NODE)]
    marks = {_HASH: revision, "pod-template-generation": str(meta["generation"])}
    for node in nodes:
        if node not in pods:
            owner = owner_reference("apps/v1", "DaemonSet", found.obj)
            pod = pod_from(spec["template"], owner, labels=marks)
            pod["spec"]["nodeName"] = node
            world.create_pod(DAEMON_SET, found.obj, pod)
    for node, one in pods.items():
        if node not in nodes:
            world.delete_pod(DAEMON_SET, found.obj, one)
    alive = [pod.obj for pod in world.active(meta["uid"])]
    ready = sum(map(is_ready, alive))
    status = {
        "currentNumberScheduled": len(alive),
        "desiredNumberScheduled": len(nodes),
        "numberMisscheduled": 0,
        "numberReady": ready,
        "numberAvailable": ready,
        **({"numberUnavailable": len(nodes) - ready} if ready < len(nodes) else {}),
        "observedGeneration": meta["generation"],
        "updatedNumberScheduled": sum(labels(pod).get(_HASH) == revision for pod in alive),
    }
    world.set_status(DAEMON_SET, found, status)
