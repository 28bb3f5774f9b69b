"""Deployments and their ReplicaSets: rolling updates through pods."""

from typing import Any

from console.sandbox.controllers.world import (
    MANAGER,
    World,
    is_ready,
    pod_from,
    template_hash,
    with_condition,
)
from console.sandbox.kinds import DEPLOYMENT, REPLICA_SET
from console.sandbox.objects import Obj, condition, dig, now, owner_reference, seconds_since
from console.sandbox.registry import DeleteOptions
from console.sandbox.store import Entry

_REVISION = "deployment.kubernetes.io/revision"
_HASH = "pod-template-hash"


def reconcile(world: World) -> None:
    """Move every ReplicaSet and every Deployment one step towards its spec."""
    world.each(REPLICA_SET, _reconcile_set)
    world.each(DEPLOYMENT, _reconcile_deployment)


def _reconcile_set(world: World, found: Entry) -> None:
    meta, spec = found.obj["metadata"], found.obj["spec"]
    pods = world.active(meta["uid"])
    missing = spec["replicas"] - len(pods)
    refused = None
    for _ in range(0 if world.backs_off(meta["uid"]) else missing):
        owner = owner_reference("apps/v1", "ReplicaSet", found.obj)
        refused = world.create_pod(REPLICA_SET, found.obj, pod_from(spec["template"], owner))
        if refused:
            break
    for pod in sorted(pods, key=lambda one: is_ready(one.obj))[: max(0, -missing)]:
        world.delete_pod(REPLICA_SET, found.obj, pod)
    pods = world.active(meta["uid"])
    ready = sum(is_ready(pod.obj) for pod in pods)
    status: Obj = {
        "replicas": len(pods),
        "fullyLabeledReplicas": len(pods),
        "observedGeneration": meta["generation"],
        **({"readyReplicas": ready, "availableReplicas": ready} if ready else {}),
    }
    if refused or (missing > 0 and world.backs_off(meta["uid"])):
        status["conditions"] = (found.obj.get("status") or {}).get("conditions") or []
    if refused:
        with_condition(status, "ReplicaFailure", "True", "FailedCreate", str(refused))
    world.set_status(REPLICA_SET, found, status)


def _reconcile_deployment(world: World, found: Entry) -> None:
    deployment = found.obj
    sets = world.children(REPLICA_SET, deployment)
    wanted = template_hash(deployment["spec"]["template"])
    new = next((one for one in sets if one.obj["metadata"]["labels"].get(_HASH) == wanted), None)
    if new is None:
        if deployment["spec"].get("paused"):
            return
        new = _new_set(world, found, sets, wanted)
        sets.append(new)
    old = [one for one in sets if one is not new]
    if _scale(world, deployment, new, old):
        sets = world.children(REPLICA_SET, deployment)
        new = world.registry.read(REPLICA_SET, *_place(new))
    found = _mark_revision(world, found, new)
    status = _status(found.obj, new.obj, [one.obj for one in sets])
    world.set_status(DEPLOYMENT, found, status)
    _forget(world, deployment, [one for one in sets if one is not new])


def _place(found: Entry) -> tuple[str, str]:
    return found.obj["metadata"]["namespace"], found.obj["metadata"]["name"]


def _new_set(world: World, found: Entry, sets: list[Entry], wanted: str) -> Entry:
    deployment = found.obj
    meta, template = deployment["metadata"], deployment["spec"]["template"]
    revision = 1 + max((_revision(one.obj) for one in sets), default=0)
    marks = {**(template["metadata"].get("labels") or {}), _HASH: wanted}
    selector = deployment["spec"]["selector"]
    body = {
        "metadata": {
            "name": f"{meta['name']}-{wanted}",
            "labels": marks,
            "annotations": {_REVISION: str(revision)},
            "ownerReferences": [owner_reference("apps/v1", "Deployment", deployment)],
        },
        "spec": {
            "replicas": 0,
            "selector": {
                **selector,
                "matchLabels": {**(selector.get("matchLabels") or {}), _HASH: wanted},
            },
            "template": {
                "metadata": {**template["metadata"], "labels": marks},
                "spec": template["spec"],
            },
        },
    }
    return world.registry.create(REPLICA_SET, meta["namespace"], body, MANAGER)


def _revision(found: Obj) -> int:
    return int((found["metadata"].get("annotations") or {}).get(_REVISION, 0))


def _mark_revision(world: World, found: Entry, new: Entry) -> Entry:
    revision = str(_revision(new.obj))
    if (found.obj["metadata"].get("annotations") or {}).get(_REVISION) == revision:
        return found

    def edit(obj: Obj) -> None:
        obj["metadata"].setdefault("annotations", {})[_REVISION] = revision

    return world.registry.change(DEPLOYMENT, found, edit, MANAGER)


def _portion(value: Any, of: int, *, up: bool) -> int:
    if isinstance(value, int):
        return value
    percent = int(str(value).rstrip("%")) * of
    return -(-percent // 100) if up else percent // 100


def _scale(world: World, deployment: Obj, new: Entry, old: list[Entry]) -> bool:
    spec = deployment["spec"]
    wanted = spec["replicas"]
    alive = [one for one in old if one.obj["spec"]["replicas"]]
    if not alive:
        return _resize(world, deployment, new, wanted)
    rolling = dig(spec, "strategy", "rollingUpdate") or {"maxSurge": 0, "maxUnavailable": wanted}
    surge = _portion(rolling.get("maxSurge", "25%"), wanted, up=True)
    out = _portion(rolling.get("maxUnavailable", "25%"), wanted, up=False)
    out = out if surge or out else 1
    total = sum(one.obj["spec"]["replicas"] for one in (new, *alive))
    mine = new.obj["spec"]["replicas"]
    grown = min(wanted, mine + max(0, wanted + surge - total))
    changed = _resize(world, deployment, new, max(grown, min(mine, wanted)))
    waiting = mine - (dig(new.obj, "status", "availableReplicas") or 0)
    spare = max(0, total - (wanted - out) - max(0, waiting))
    for one in sorted(alive, key=lambda entry: _revision(entry.obj)):
        cut = min(spare, one.obj["spec"]["replicas"])
        changed |= _resize(world, deployment, one, one.obj["spec"]["replicas"] - cut)
        spare -= cut
    return changed


def _resize(world: World, deployment: Obj, found: Entry, replicas: int) -> bool:
    before = found.obj["spec"]["replicas"]
    if replicas == before:
        return False
    name = found.obj["metadata"]["name"]
    world.registry.change(
        REPLICA_SET, found, lambda obj: obj["spec"].update(replicas=replicas), MANAGER
    )
    way = "up" if replicas > before else "down"
    text = f"Scaled {way} replica set {name} from {before} to {replicas}"
    world.event(DEPLOYMENT, deployment, "ScalingReplicaSet", text)
    return True


def _status(deployment: Obj, new: Obj, sets: list[Obj]) -> Obj:
    def total(field: str) -> int:
        return sum(dig(one, "status", field) or 0 for one in sets)

    wanted = deployment["spec"]["replicas"]
    available, replicas = total("availableReplicas"), total("replicas")
    updated = dig(new, "status", "replicas") or 0
    counts = {
        "replicas": replicas,
        "updatedReplicas": updated,
        "readyReplicas": total("readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, max(replicas, wanted) - available),
    }
    status: Obj = {
        "observedGeneration": deployment["metadata"]["generation"],
        **{name: value for name, value in counts.items() if value},
        "conditions": dig(deployment, "status", "conditions") or [],
    }
    _availability(status, deployment, available)
    _progress(status, deployment, new, done=updated == wanted == replicas == available)
    failure = next(filter(None, (condition(one, "ReplicaFailure") for one in sets)), None)
    status["conditions"] = [
        one for one in status["conditions"] if one["type"] != "ReplicaFailure"
    ] + ([{**failure, "lastUpdateTime": failure["lastTransitionTime"]}] if failure else [])
    return status


def _availability(status: Obj, deployment: Obj, available: int) -> None:
    wanted = deployment["spec"]["replicas"]
    rolling = dig(deployment, "spec", "strategy", "rollingUpdate") or {}
    least = wanted - _portion(rolling.get("maxUnavailable", 0), wanted, up=False)
    _condition(
        status,
        "Available",
        *(
            ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
            if available >= least
            else (
                "False",
                "MinimumReplicasUnavailable",
                "Deployment does not have minimum availability.",
            )
        ),
    )


def _progress(status: Obj, deployment: Obj, new: Obj, *, done: bool) -> None:
    name = new["metadata"]["name"]
    if done:
        text = f'ReplicaSet "{name}" has successfully progressed.'
        _condition(status, "Progressing", "True", "NewReplicaSetAvailable", text)
        return
    old = condition({"status": status}, "Progressing") or {}
    moved = any(
        status.get(field) != dig(deployment, "status", field)
        for field in ("updatedReplicas", "readyReplicas", "availableReplicas", "observedGeneration")
    )
    limit = deployment["spec"].get("progressDeadlineSeconds", 600)
    since = old.get("lastUpdateTime")
    late = since and seconds_since(since) > limit and not moved
    if late and old.get("reason") != "NewReplicaSetAvailable":
        text = f'ReplicaSet "{name}" has timed out progressing.'
        _condition(status, "Progressing", "False", "ProgressDeadlineExceeded", text)
    elif moved or not old:
        text = f'ReplicaSet "{name}" is progressing.'
        _condition(status, "Progressing", "True", "ReplicaSetUpdated", text, touch=True)


def _condition(
    status: Obj, kind: str, value: str, reason: str, message: str, *, touch: bool = False
) -> None:
    old = condition({"status": status}, kind) or {}
    same = (old.get("status"), old.get("reason"), old.get("message")) == (value, reason, message)
    updated = old["lastUpdateTime"] if same and not touch else now()
    with_condition(status, kind, value, reason, message, lastUpdateTime=updated)


def _forget(world: World, deployment: Obj, old: list[Entry]) -> None:
    empty = [one for one in old if not dig(one.obj, "status", "replicas")]
    empty = [one for one in empty if not one.obj["spec"]["replicas"]]
    kept = deployment["spec"]["revisionHistoryLimit"]
    for one in sorted(empty, key=lambda entry: -_revision(entry.obj))[kept:]:
        world.registry.delete(REPLICA_SET, *_place(one), DeleteOptions(), MANAGER)
