"""Whether the autoscaler works, and whether it followed."""

from typing import Any, ClassVar

from actions.checks.base import Check
from actions.workloads import bounds, component_hpa, condition, is_pinned, name_of
from actions.world import Report, World


class HpaMetrics(Check, frozen=True, kw_only=True):
    """Whether the autoscaler has metrics: without them, other bounds move nothing."""

    NAME: ClassVar[str] = "hpa.metrics"

    component: str

    async def judge(self, world: World) -> Report:
        hpa = await component_hpa(world, self.component)
        active = condition(hpa, "ScalingActive")
        if not active:
            return Report(ok=None, message=f"{name_of(hpa)} has not reported yet")
        if active.get("status") == "True":
            return Report(ok=True, message=f"{name_of(hpa)} has its metrics")
        reason = active.get("reason", "")
        message = f"{name_of(hpa)} does not scale: {reason}; other bounds will move nothing"
        return Report(ok=False, message=message, remedy=str(active.get("message", ""))[:300])


class HpaFollows(Check, frozen=True, kw_only=True):
    """Whether the controller acted on the bounds: the pin at the old maximum is gone."""

    NAME: ClassVar[str] = "hpa.follows"

    component: str
    since: dict[str, Any] | None = None
    """The bounds before, with `pinned`."""

    async def judge(self, world: World) -> Report:
        hpa = await component_hpa(world, self.component)
        status = hpa.get("status", {})
        now = bounds(hpa)
        current = status.get("currentReplicas")
        words = f"{name_of(hpa)}: {current} pods, bounds {now['min']} to {now['max']}"
        if condition(hpa, "ScalingActive").get("reason") == "ScalingDisabled":
            return Report(ok=True, message=f"{name_of(hpa)} is off: its target has 0 replicas")
        generation = hpa.get("metadata", {}).get("generation")
        observed = status.get("observedGeneration")
        if current is None or (observed is not None and generation and observed < generation):
            return Report(ok=None, message=f"{name_of(hpa)}: the controller has not looked yet")
        if not now["min"] <= current <= now["max"]:
            return Report(ok=False, message=f"{words}: outside of them")
        before = self.since or {}
        raised = now["max"] > int(before.get("max", now["max"]))
        if before.get("pinned") and raised and current <= int(before["max"]):
            if is_pinned(hpa) or condition(hpa, "ScalingLimited").get("status") == "True":
                return Report(ok=False, message=f"{words}: still held at the old maximum")
            return Report(ok=True, message=f"{words}: no longer held at its maximum")
        return Report(ok=True, message=words)
