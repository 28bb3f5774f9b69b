"""Finds a tenant's workloads and autoscalers, and reads what they say."""

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from actions.world import MANAGER, ObjectRef, World
from console.errors import NotFoundError, StepFailedError
from console.units import parse_quantity

_COMPONENT_LABELS = (
    "app.kubernetes.io/component",
    "ai-shifu.io/component",
    "component",
    "app.kubernetes.io/name",
    "app",
)
_PLURALS = {"Deployment": "deployments", "StatefulSet": "statefulsets", "ReplicaSet": "replicasets"}
HPA_API = "autoscaling/v2"
HPA_PLURAL = "horizontalpodautoscalers"


def hpa_ref(namespace: str, name: str) -> ObjectRef:
    """Name an autoscaler."""
    return ObjectRef(api=HPA_API, plural=HPA_PLURAL, namespace=namespace, name=name)


async def component_hpa(world: World, component: str) -> dict[str, Any]:
    """Find the autoscaler of a component.

    Raises:
        NotFoundError: there is none.
        StepFailedError: there are several.

    """
    found = await world.objects.list(HPA_API, HPA_PLURAL, world.namespace)
    mine = [hpa for hpa in found if _is_of(hpa, component)]
    if len(mine) == 1:
        return mine[0]
    names = ", ".join(sorted(name_of(hpa) for hpa in mine or found)) or "none"
    where = f"{world.cluster}/{world.namespace}"
    if mine:
        message = f"{where}: {len(mine)} autoscalers are of component {component}: {names}"
        raise StepFailedError(message, remedy="label one of them app.kubernetes.io/component")
    raise NotFoundError(
        f"{where}: no autoscaler is of component {component}",
        remedy=f"autoscalers there: {names}",
        status=404,
    )


async def scaled_workload(world: World, hpa: Mapping[str, Any]) -> dict[str, Any]:
    """Return the workload that an autoscaler scales.

    Raises:
        NotFoundError: it is gone, or of a kind the console does not know.

    """
    target = hpa["spec"]["scaleTargetRef"]
    plural = _PLURALS.get(target.get("kind", ""))
    if plural is None:
        raise NotFoundError(f"cannot read a {target.get('kind')} as a scaled workload")
    api = target.get("apiVersion") or "apps/v1"
    return await world.objects.get(
        ObjectRef(api=api, plural=plural, namespace=world.namespace, name=target["name"])
    )


def name_of(manifest: Mapping[str, Any]) -> str:
    """Return an object's name."""
    return str(manifest.get("metadata", {}).get("name", ""))


def bounds(hpa: Mapping[str, Any]) -> dict[str, int]:
    """Return the bounds; an absent minimum is the API's default, 1."""
    spec = hpa["spec"]
    return {"min": int(spec.get("minReplicas", 1)), "max": int(spec["maxReplicas"])}


def condition(manifest: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """Return one of an object's conditions; empty when it has none such."""
    found = manifest.get("status", {}).get("conditions") or ()
    return next((entry for entry in found if entry.get("type") == kind), {})


def is_pinned(hpa: Mapping[str, Any]) -> bool:
    """Tell whether the autoscaler wants more than its maximum allows."""
    limited = condition(hpa, "ScalingLimited")
    at_max = hpa.get("status", {}).get("currentReplicas") == bounds(hpa)["max"]
    return bool(
        at_max and limited.get("status") == "True" and limited.get("reason") == "TooManyReplicas"
    )


def owners(manifest: Mapping[str, Any], fields: Iterable[str]) -> dict[str, list[str]]:
    """Return who else owns `spec` fields, by field, from the managed fields."""
    found: dict[str, list[str]] = {}
    for entry in manifest.get("metadata", {}).get("managedFields") or ():
        owned = (entry.get("fieldsV1") or {}).get("f:spec") or {}
        manager = str(entry.get("manager", ""))
        if manager == MANAGER or entry.get("subresource"):
            continue
        for name in fields:
            if f"f:{name}" in owned:
                found.setdefault(name, []).append(manager)
    return {name: sorted(set(managers)) for name, managers in found.items()}


def surge(workload: Mapping[str, Any], replicas: int) -> int:
    """Return how many pods a rollout may add on top of `replicas`."""
    strategy = workload["spec"].get("strategy")
    if workload.get("kind") == "StatefulSet" or (strategy or {}).get("type") == "Recreate":
        return 0
    asked = ((strategy or {}).get("rollingUpdate") or {}).get("maxSurge", "25%")
    if isinstance(asked, str) and asked.endswith("%"):
        return math.ceil(replicas * int(asked[:-1]) / 100)
    return int(asked)


def pod_needs(template: Mapping[str, Any], section: str) -> dict[str, Decimal | None]:
    """Return a pod's effective `requests` or `limits`; None where a container says nothing."""
    spec = template["spec"]
    inits = spec.get("initContainers") or []
    sidecars = [part for part in inits if part.get("restartPolicy") == "Always"]
    running = [*(spec.get("containers") or []), *sidecars]
    once = [part for part in inits if part.get("restartPolicy") != "Always"]
    needs: dict[str, Decimal | None] = {}
    for resource in ("cpu", "memory", "ephemeral-storage"):
        amounts = [_amount(part, section, resource) for part in running]
        if any(amount is None for amount in amounts):
            needs[resource] = None
            continue
        largest = max((_amount(part, section, resource) or Decimal(0) for part in once), default=0)
        overhead = parse_quantity((spec.get("overhead") or {}).get(resource)) or Decimal(0)
        total = sum((amount for amount in amounts if amount is not None), Decimal(0))
        needs[resource] = max(total, Decimal(largest)) + overhead
    return needs


def _amount(container: Mapping[str, Any], section: str, resource: str) -> Decimal | None:
    resources = container.get("resources") or {}
    text = (resources.get(section) or {}).get(resource)
    if text is None and section == "requests":
        # The API server takes the limit where only a limit is given.
        text = (resources.get("limits") or {}).get(resource)
    return parse_quantity(text)


def _is_of(hpa: Mapping[str, Any], component: str) -> bool:
    labels = hpa.get("metadata", {}).get("labels") or {}
    said = next((labels[label] for label in _COMPONENT_LABELS if label in labels), None)
    names = (component, f"ai-shifu-{component}")
    if said in names:
        return True
    target = hpa.get("spec", {}).get("scaleTargetRef", {}).get("name", "")
    return target in names or name_of(hpa) in names
