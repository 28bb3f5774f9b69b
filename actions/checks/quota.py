"""Whether the namespace quota holds the pods that new bounds allow."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, ClassVar

from actions.checks.base import Check
from actions.workloads import component_hpa, name_of, pod_needs, scaled_workload, surge
from actions.world import Report, World
from console.units import format_quantity, parse_quantity

_DIMENSIONS = {
    "requests.cpu": ("requests", "cpu"),
    "cpu": ("requests", "cpu"),
    "requests.memory": ("requests", "memory"),
    "memory": ("requests", "memory"),
    "requests.ephemeral-storage": ("requests", "ephemeral-storage"),
    "limits.cpu": ("limits", "cpu"),
    "limits.memory": ("limits", "memory"),
    "limits.ephemeral-storage": ("limits", "ephemeral-storage"),
}
_COUNTS = frozenset({"pods", "count/pods"})
_OTHER_PODS = frozenset({"Terminating", "BestEffort"})


class QuotaFits(Check, frozen=True, kw_only=True):
    """(replicas + surge) of one pod's needs, less what runs, against what is free."""

    NAME: ClassVar[str] = "quota.fits"

    component: str
    replicas: int

    async def judge(self, world: World) -> Report:
        quotas = await world.objects.list("v1", "resourcequotas", world.namespace)
        hpa = await component_hpa(world, self.component)
        workload = await scaled_workload(world, hpa)
        limits = await world.objects.list("v1", "limitranges", world.namespace)
        extra = self.replicas + surge(workload, self.replicas)
        extra -= int(workload.get("status", {}).get("replicas") or 0)
        if extra <= 0:
            return Report(ok=True, message=f"no pods are added at {self.replicas} replicas")
        needs = _pod_needs(workload["spec"]["template"], limits)
        reports = [
            _judge(quota, name, hard, extra, needs)
            for quota in quotas
            if _applies(quota, workload["spec"]["template"])
            for name, hard in _limits(quota)
        ]
        wrong = [report for report in reports if report.ok is not True]
        if wrong:
            return Report(
                ok=None if all(report.ok is None for report in wrong) else False,
                message="; ".join(report.message for report in wrong),
                remedy="raise the tenant's quota first, or ask for fewer replicas",
            )
        if not reports:
            return Report(ok=True, message="no quota limits pods here")
        most = f"{extra} more pods at most (with a rollout's surge)"
        return Report(ok=True, message=f"{most}: {'; '.join(part.message for part in reports)}")


def _limits(quota: Mapping[str, Any]) -> Iterator[tuple[str, Decimal]]:
    for name, text in (quota.get("spec", {}).get("hard") or {}).items():
        hard = parse_quantity(text)
        if hard is not None and (name in _DIMENSIONS or name in _COUNTS):
            yield name, hard


def _judge(
    quota: Mapping[str, Any],
    dimension: str,
    hard: Decimal,
    extra: int,
    needs: Mapping[str, Mapping[str, Decimal | None]],
) -> Report:
    what = f"{name_of(quota)} {dimension}"
    used = parse_quantity((quota.get("status", {}).get("used") or {}).get(dimension))
    if used is None:
        return Report(ok=None, message=f"{what}: the cluster does not say how much is used")
    if dimension in _COUNTS:
        each: Decimal | None = Decimal(1)
    else:
        section, resource = _DIMENSIONS[dimension]
        each = needs[section][resource]
    if each is None:
        return Report(ok=False, message=f"{what} is limited, but the pods do not declare it")
    need = each * extra
    message = (
        f"{what}: needs {format_quantity(need)} more, "
        f"{format_quantity(hard - used)} of {format_quantity(hard)} is free"
    )
    return Report(ok=need <= hard - used, message=message)


def _applies(quota: Mapping[str, Any], template: Mapping[str, Any]) -> bool:
    """Tell whether a quota counts the workload's pods; in doubt it does."""
    spec = quota.get("spec", {})
    if _OTHER_PODS & set(spec.get("scopes") or ()):
        return False
    for match in (spec.get("scopeSelector") or {}).get("matchExpressions") or ():
        if match.get("scopeName") in _OTHER_PODS:
            return False
        if match.get("scopeName") == "PriorityClass":
            own = template["spec"].get("priorityClassName")
            values = match.get("values") or ()
            if match.get("operator") == "In" and own not in values:
                return False
            if match.get("operator") == "NotIn" and own in values:
                return False
            if match.get("operator") == "Exists" and not own:
                return False
            if match.get("operator") == "DoesNotExist" and own:
                return False
    return True


def _pod_needs(
    template: Mapping[str, Any], ranges: list[dict[str, Any]]
) -> dict[str, dict[str, Decimal | None]]:
    """Return what one pod counts for, with what the LimitRange fills in."""
    entries = [
        limit
        for entry in ranges
        for limit in entry.get("spec", {}).get("limits") or ()
        if limit.get("type") == "Container"
    ]
    count = len(template["spec"].get("containers") or ())
    needs = {}
    for section, key in (("requests", "defaultRequest"), ("limits", "default")):
        own = pod_needs(template, section)
        for resource, amount in own.items():
            filled = next(
                (
                    parse_quantity(entry[key][resource])
                    for entry in entries
                    if resource in (entry.get(key) or {})
                ),
                None,
            )
            if amount is None and filled is not None:
                own[resource] = filled * count
        needs[section] = own
    return needs
