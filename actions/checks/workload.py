"""Whether the pods of a workload are ready."""

from typing import ClassVar

from actions.checks.base import Check
from actions.workloads import component_hpa, name_of, scaled_workload
from actions.world import Report, World


class WorkloadReady(Check, frozen=True, kw_only=True):
    """At least so many pods of a component are ready."""

    NAME: ClassVar[str] = "workload.ready"

    component: str
    replicas: int = 1

    async def judge(self, world: World) -> Report:
        hpa = await component_hpa(world, self.component)
        workload = await scaled_workload(world, hpa)
        status = workload.get("status", {})
        ready = int(status.get("readyReplicas") or 0)
        message = f"{name_of(workload)}: {ready} pods ready, {self.replicas} needed"
        if workload["spec"].get("replicas", 1) == 0:
            return Report(ok=True, message=f"{name_of(workload)} is switched off (0 replicas)")
        return Report(ok=ready >= self.replicas, message=message)
