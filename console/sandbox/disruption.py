"""Disruption budgets: how many pods may go, and who is refused."""

import math

from console.sandbox.kinds import PDB, POD
from console.sandbox.objects import Obj, condition, dig, labels, now
from console.sandbox.registry import Registry, Writer
from console.sandbox.selectors import selector_test
from console.sandbox.status import ApiError
from console.sandbox.store import Store

_BY = Writer("kube-controller-manager")


def _healthy(pod: Obj) -> bool:
    ready = condition(pod, "Ready")
    return bool(ready and ready["status"] == "True") and not pod["metadata"].get(
        "deletionTimestamp"
    )


def _resolved(value: int | str, of: int) -> int:
    if isinstance(value, int):
        return value
    return math.ceil(of * int(value.rstrip("%")) / 100)


def reconcile(registry: Registry) -> None:
    """Bring every budget's status up to date."""
    for found in tuple(registry.store.entries(PDB)):
        status = budget(registry.store, found.obj)
        if status != found.obj.get("status"):
            registry.set_status(PDB, found, status, _BY)


def budget(store: Store, pdb: Obj) -> Obj:
    """Compute a budget's status from its pods."""
    takes = selector_test(dig(pdb, "spec", "selector"))
    pods = [
        pod
        for pod in store.objects(POD, pdb["metadata"]["namespace"])
        if takes(labels(pod)) and dig(pod, "status", "phase") not in ("Succeeded", "Failed")
    ]
    expected, healthy = len(pods), sum(map(_healthy, pods))
    least = dig(pdb, "spec", "minAvailable")
    if least is not None:
        desired = _resolved(least, expected)
    else:
        desired = max(0, expected - _resolved(dig(pdb, "spec", "maxUnavailable") or 0, expected))
    spare = max(0, healthy - desired) if expected else 0
    old = condition(pdb, "DisruptionAllowed") or {}
    word = "True" if spare else "False"
    since = old.get("lastTransitionTime") if old.get("status") == word else None
    return {
        "conditions": [
            {
                "type": "DisruptionAllowed",
                "status": word,
                "observedGeneration": pdb["metadata"].get("generation", 1),
                "lastTransitionTime": since or now(),
                "reason": "SufficientPods" if spare else "InsufficientPods",
                "message": "",
            }
        ],
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "disruptionsAllowed": spare,
        "expectedPods": expected,
        "observedGeneration": pdb["metadata"].get("generation", 1),
    }


def check(registry: Registry, pod: Obj, *, dry_run: bool) -> None:
    """Refuse an eviction that a budget forbids, and charge it to the budget otherwise."""
    if dig(pod, "status", "phase") in ("Pending", "Succeeded", "Failed"):
        return
    over = [
        found
        for found in registry.store.entries(PDB, pod["metadata"]["namespace"])
        if selector_test(dig(found.obj, "spec", "selector"))(labels(pod))
    ]
    if len(over) > 1:
        raise ApiError(
            500,
            "This pod has more than one PodDisruptionBudget, which the eviction subresource"
            " does not support.",
        )
    for found in over:
        status = budget(registry.store, found.obj)
        always = dig(found.obj, "spec", "unhealthyPodEvictionPolicy") == "AlwaysAllow"
        if not _healthy(pod) and (
            always or status["currentHealthy"] >= status["desiredHealthy"] > 0
        ):
            return
        if not status["disruptionsAllowed"]:
            raise _refusal(found.obj["metadata"]["name"], status)
        if not dry_run:
            status["disruptionsAllowed"] -= 1
            registry.set_status(PDB, found, status, _BY)


def _refusal(name: str, status: Obj) -> ApiError:
    text = (
        f"The disruption budget {name} needs {status['desiredHealthy']} healthy pods"
        f" and has {status['currentHealthy']} currently"
    )
    return ApiError(
        429,
        "Cannot evict pod as it would violate the pod's disruption budget.",
        details={"causes": [{"reason": "DisruptionBudget", "message": text}]},
    )
