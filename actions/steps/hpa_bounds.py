"""Sets an autoscaler's bounds by server-side apply of those two fields alone."""

from collections.abc import Mapping
from typing import Any, ClassVar

from actions.diff import changes
from actions.model import Hunk, Level
from actions.steps.base import Effect, Observed, Seen, Sight, StepSpec
from actions.workloads import HPA_API, bounds, component_hpa, hpa_ref, is_pinned, name_of, owners
from actions.world import Permission, Report, World
from console.errors import ConflictError, NotFoundError, StepFailedError

_FIELDS = {"min": "minReplicas", "max": "maxReplicas"}
_TRIES = 3


class HpaBounds(StepSpec, frozen=True, kw_only=True):
    """Sets min and max; with `restore`, puts back what a step found before it."""

    NAME: ClassVar[str] = "hpa.bounds"
    title: ClassVar[str] = "Set the bounds of the autoscaler"

    component: str = "api"
    min: int | None = None
    max: int | None = None
    restore: str = ""

    async def current(self, world: World) -> dict[str, Any]:
        return dict(bounds(await component_hpa(world, self.component)))

    async def look(self, world: World) -> Seen:
        hpa = await component_hpa(world, self.component)
        status = hpa.get("status", {})
        target = hpa["spec"]["scaleTargetRef"]
        return Seen(
            facts={
                "name": name_of(hpa),
                "uid": hpa["metadata"]["uid"],
                "target": f"{target.get('kind')}/{target.get('name')}",
                **bounds(hpa),
                "owners": owners(hpa, self._changing(bounds(hpa))),
            },
            noted={"currentReplicas": status.get("currentReplicas"), "pinned": is_pinned(hpa)},
        )

    def permissions(self, world: World) -> list[Permission]:
        return [Permission("patch", hpa_ref(world.namespace, str(world.seen["name"])))]

    async def refusals(self, world: World) -> list[Report]:
        low, high = self._wanted(world)
        before = {"min": world.seen["min"], "max": world.seen["max"]}
        reports = []
        if (low, high) == (before["min"], before["max"]):
            message = f"nothing would change: min is {low} and max is {high} already"
            reports.append(Report(ok=False, message=message, remedy="give another min or max"))
        if low > high:
            message = f"min {low} is above max {high}"
            reports.append(Report(ok=False, message=message, remedy="raise max or lower min"))
        running = world.seen["noted"].get("currentReplicas")
        if running is not None and high < running:
            gone = running - high
            message = f"max {high} is below the {running} pods that run: {gone} will be stopped"
            reports.append(Report(ok=False, message=message, level=Level.WARN))
        for name, managers in world.seen["owners"].items():
            message = f"{name} was set by {', '.join(managers)}; the run takes the field over"
            remedy = "make sure that nobody applies the old value again"
            reports.append(Report(ok=False, message=message, remedy=remedy, level=Level.WARN))
        return reports

    async def preview(self, world: World, *, dry_run: bool) -> list[Hunk]:
        live = await world.objects.get(hpa_ref(world.namespace, str(world.seen["name"])))
        low, high = self._wanted(world)
        after: Mapping[str, Any] = {**live, "spec": live["spec"] | _spec(low, high)}
        if dry_run:
            after = await world.objects.apply(
                hpa_ref(world.namespace, name_of(live)),
                self._body(world, low, high),
                dry_run=True,
                force=bool(world.seen["owners"]),
            )
        return [
            Hunk(
                object=f"horizontalpodautoscaler/{name_of(live)}",
                cluster=world.cluster,
                namespace=world.namespace,
                field=field,
                before=old,
                after=new,
            )
            for field, old, new in changes(live, after)
        ]

    async def execute(self, world: World) -> Effect:
        low, high = self._wanted(world)
        expected = self._expected(world)
        for attempt in range(1, _TRIES + 1):
            live = await world.objects.get(hpa_ref(world.namespace, str(world.seen["name"])))
            if bounds(live) == {"min": low, "max": high} and self.restore:
                break
            self._check_unmoved(world, live, expected)
            body = self._body(world, low, high)
            # Conditional on the very version just judged: nothing can slip in between.
            body["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
            try:
                await world.objects.apply(
                    hpa_ref(world.namespace, name_of(live)),
                    body,
                    force=bool(owners(live, self._changing(bounds(live)))),
                )
            except ConflictError:
                if attempt == _TRIES:
                    raise
            else:
                break
        return self._effect(world)

    async def observe(self, world: World) -> Observed:
        low, high = self._wanted(world)
        try:
            live = await world.objects.get(hpa_ref(world.namespace, str(world.seen["name"])))
        except NotFoundError as gone:
            return Observed(sight=Sight.UNCLEAR, message=str(gone))
        now = bounds(live)
        where = f"{name_of(live)} has min {now['min']}, max {now['max']}"
        if live["metadata"]["uid"] != world.seen["uid"]:
            return Observed(sight=Sight.UNCLEAR, message=f"{name_of(live)} was made anew")
        if now == {"min": low, "max": high}:
            return Observed(sight=Sight.DONE, message=where, effect=self._effect(world))
        if now == self._expected(world):
            return Observed(sight=Sight.NOT_DONE, message=where)
        message = f"{where}: neither the old nor the new bounds"
        return Observed(sight=Sight.UNCLEAR, message=message)

    async def verify(self, world: World) -> Report:
        low, high = self._wanted(world)
        live = await world.objects.get(hpa_ref(world.namespace, str(world.seen["name"])))
        now = bounds(live)
        message = f"{name_of(live)} reads back min {now['min']}, max {now['max']}"
        return Report(ok=now == {"min": low, "max": high}, message=message)

    def _wanted(self, world: World) -> tuple[int, int]:
        if self.restore:
            before = world.outputs[self.restore]["before"]
            return int(before["min"]), int(before["max"])
        low = world.seen["min"] if self.min is None else self.min
        high = world.seen["max"] if self.max is None else self.max
        return int(low), int(high)

    def _expected(self, world: World) -> dict[str, int]:
        """Return the bounds that must be there for the step to act."""
        if self.restore:
            after = world.outputs[self.restore]["after"]
            return {"min": int(after["min"]), "max": int(after["max"])}
        return {"min": int(world.seen["min"]), "max": int(world.seen["max"])}

    def _changing(self, now: Mapping[str, int]) -> list[str]:
        wanted = {"min": self.min, "max": self.max}
        return [
            field
            for name, field in _FIELDS.items()
            if self.restore or (wanted[name] is not None and wanted[name] != now[name])
        ]

    def _check_unmoved(
        self, world: World, live: Mapping[str, Any], expected: Mapping[str, int]
    ) -> None:
        where = f"{world.cluster}/{world.namespace}/{name_of(live)}"
        if live["metadata"]["uid"] != world.seen["uid"]:
            raise StepFailedError(f"{where} was made anew since the plan", remedy="plan again")
        now = bounds(live)
        if now != expected:
            message = (
                f"{where} has min {now['min']}, max {now['max']} where the run expects "
                f"min {expected['min']}, max {expected['max']}: somebody else changed it"
            )
            raise StepFailedError(message, remedy="look who did, then plan again")
        strangers = owners(live, self._changing(now))
        known = world.seen["owners"]
        for name, managers in strangers.items():
            new = set(managers) - set(known.get(name, ()))
            if new and not self.restore:
                message = f"{where}: {name} now belongs to {', '.join(sorted(new))}"
                raise StepFailedError(message, remedy="plan again")

    def _body(self, world: World, low: int, high: int) -> dict[str, Any]:
        metadata = {
            "name": str(world.seen["name"]),
            "namespace": world.namespace,
            # An apply would create what is absent; with the uid it is refused instead.
            "uid": str(world.seen["uid"]),
        }
        return {
            "apiVersion": HPA_API,
            "kind": "HorizontalPodAutoscaler",
            "metadata": metadata,
            "spec": _spec(low, high),
        }

    def _effect(self, world: World) -> Effect:
        low, high = self._wanted(world)
        before = {**self._expected(world), **world.seen.get("noted", {})}
        after = {"min": low, "max": high}
        return Effect(
            object=f"horizontalpodautoscaler/{world.seen['name']}",
            before=before,
            after=after,
            outputs={"name": world.seen["name"], "before": before, "after": after},
        )


def _spec(low: int, high: int) -> dict[str, int]:
    return {"minReplicas": low, "maxReplicas": high}
