"""What kubelets do: start pods, end them, pull images, keep the node's lease alive."""

import zlib

from console.sandbox.admission import pod_resources
from console.sandbox.clock import CLOCK
from console.sandbox.controllers.world import World, is_ready, with_condition
from console.sandbox.kinds import LEASE, NODE, POD
from console.sandbox.objects import Obj, condition, dig, micro_now, now, seconds_since
from console.sandbox.registry import DeleteOptions, Writer
from console.sandbox.store import Entry

KUBELET = Writer("kubelet")
START_SECONDS = 2.0
STOP_SECONDS = 1.0
BACK_OFF_SECONDS = 20.0
LEASE_SECONDS = 10.0
NODE_LEASES = "kube-node-lease"
MISSING_TAG = "9.9.9-missing"
"""An image tag that no registry of this fleet has."""


def reconcile(world: World) -> None:
    """Let every node's kubelet act on its pods."""
    nodes = {node["metadata"]["name"] for node in world.store.objects(NODE)}
    for pod in tuple(world.store.entries(POD)):
        node = dig(pod.obj, "spec", "nodeName")
        if node not in nodes:
            if pod.obj["metadata"].get("deletionTimestamp"):
                continue
        elif pod.obj["metadata"].get("deletionTimestamp"):
            _stop(world, pod)
        elif not is_ready(pod.obj):
            _start(world, pod)


def _stop(world: World, pod: Entry) -> None:
    meta = pod.obj["metadata"]
    grace = meta.get("deletionGracePeriodSeconds") or 0
    if seconds_since(meta["deletionTimestamp"]) + grace >= STOP_SECONDS:
        world.registry.delete(POD, meta["namespace"], meta["name"], DeleteOptions(grace=0), KUBELET)


def _start(world: World, pod: Entry) -> None:
    placed = condition(pod.obj, "PodScheduled")
    since = placed["lastTransitionTime"] if placed else pod.obj["metadata"]["creationTimestamp"]
    waited = seconds_since(since)
    spec = pod.obj["spec"]
    status = pod.copy().get("status") or {}
    absent = any(one["image"].endswith(f":{MISSING_TAG}") for one in spec["containers"])
    if absent and waited >= START_SECONDS:
        _image_missing(world, pod, status, long=waited >= BACK_OFF_SECONDS)
    elif waited >= START_SECONDS:
        _running(pod.obj, status)
    else:
        _conditions(status, spec, ready=False)
        status["containerStatuses"] = [
            _container(one, {"waiting": {"reason": "ContainerCreating"}}, ready=False)
            for one in spec["containers"]
        ]
    _common(pod.obj, status)
    world.set_status(POD, pod, status, KUBELET)


def _common(pod: Obj, status: Obj) -> None:
    seed = zlib.crc32(pod["metadata"]["uid"].encode())
    host = zlib.crc32(pod["spec"]["nodeName"].encode())
    status |= {
        "hostIP": f"10.0.{host % 200}.{host // 200 % 250 + 1}",
        "qosClass": "Burstable" if pod_resources(pod, "requests") else "BestEffort",
    }
    if status.get("phase") == "Running":
        address = f"10.{64 + seed % 60}.{seed // 60 % 256}.{seed // 15360 % 250 + 1}"
        status |= {"podIP": address, "podIPs": [{"ip": address}]}
    status.setdefault("startTime", now())


def _running(pod: Obj, status: Obj) -> None:
    status["phase"] = "Running"
    status["containerStatuses"] = [
        _container(one, {"running": {"startedAt": now()}}, ready=True)
        for one in pod["spec"]["containers"]
    ]
    _conditions(status, pod["spec"], ready=True)


def _conditions(status: Obj, spec: Obj, *, ready: bool) -> None:
    names = ", ".join(one["name"] for one in spec["containers"])
    text = "" if ready else f"containers with unready status: [{names}]"
    word, reason = ("True", "") if ready else ("False", "ContainersNotReady")
    with_condition(status, "Initialized", "True", "", "")
    with_condition(status, "Ready", word, reason, text)
    with_condition(status, "ContainersReady", word, reason, text)


def _container(container: Obj, state: Obj, *, ready: bool) -> Obj:
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": ready,
        "started": ready,
        "restartCount": 0,
        "state": state,
        "lastState": {},
    }


def _image_missing(world: World, pod: Entry, status: Obj, *, long: bool) -> None:
    _conditions(status, pod.obj["spec"], ready=False)
    status["phase"] = "Pending"
    status["containerStatuses"] = []
    for one in pod.obj["spec"]["containers"]:
        image = one["image"]
        cause = f'failed to pull and unpack image "{image}": {image}: not found'
        word, text = "ErrImagePull", f"rpc error: code = NotFound desc = {cause}"
        if long:
            word, text = "ImagePullBackOff", f'Back-off pulling image "{image}": {text}'
        state = {"waiting": {"reason": word, "message": text}}
        status["containerStatuses"].append(_container(one, state, ready=False))
        if not long or not _backed_off(pod.obj):
            failed = f'Failed to pull image "{image}": {cause}' if not long else f"Error: {word}"
            world.event(POD, pod.obj, "Failed", failed, word="Warning", source="kubelet")


def _backed_off(pod: Obj) -> bool:
    found = dig(pod, "status", "containerStatuses") or [{}]
    return bool(dig(found[0], "state", "waiting", "reason") == "ImagePullBackOff")


def heartbeat(world: World) -> None:
    """Renew the lease of every node that is not down."""
    for node in world.store.objects(NODE):
        if (condition(node, "Ready") or {}).get("status") != "True":
            continue
        name = node["metadata"]["name"]
        lease = world.store.get(LEASE, NODE_LEASES, name)
        if lease is None:
            _first_lease(world, node)
        elif CLOCK.seconds() - _renewed(lease.obj) >= LEASE_SECONDS:
            world.registry.change(
                LEASE, lease, lambda obj: obj["spec"].update(renewTime=micro_now()), KUBELET
            )


def _renewed(lease: Obj) -> float:
    return CLOCK.seconds() - seconds_since(lease["spec"]["renewTime"])


def _first_lease(world: World, node: Obj) -> None:
    name, uid = node["metadata"]["name"], node["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid}
    spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": micro_now()}
    body = {"metadata": {"name": name, "ownerReferences": [owner]}, "spec": spec}
    world.registry.create(LEASE, NODE_LEASES, body, KUBELET)
