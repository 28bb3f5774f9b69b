"""The autoscaler, with the real controller's rules, conditions and words."""

import math
from collections.abc import Callable
from typing import Any

import msgspec

from console.sandbox.admission import pod_resources
from console.sandbox.clock import CLOCK
from console.sandbox.controllers.world import World, is_ready, with_condition
from console.sandbox.kinds import DEPLOYMENT, HPA, POD, REPLICA_SET, STATEFUL_SET
from console.sandbox.objects import Obj, dig, labels, now
from console.sandbox.registry import Writer
from console.sandbox.selectors import selector_test
from console.sandbox.status import ApiError
from console.sandbox.store import Entry

AUTOSCALER = Writer("kube-controller-manager")
_TOLERANCE = 0.1
_TARGETS = {kind.name: kind for kind in (DEPLOYMENT, REPLICA_SET, STATEFUL_SET)}
_CPU = "cpu resource utilization (percentage of request)"

Load = Callable[[Obj, float], float | None]
"""What a workload's pods use together, in cores, at a moment; None when nobody knows."""


class _Memory(msgspec.Struct):
    """What the controller remembers of one autoscaler."""

    proposals: list[tuple[float, int]] = []
    changes: list[tuple[float, int]] = []


class _Verdict(msgspec.Struct):
    """One pass: how many replicas, and the conditions that say why."""

    replicas: int
    able: tuple[str, str, str]
    active: tuple[str, str, str] | None = None
    limited: tuple[str, str, str] | None = None
    metrics: list[Obj] | None = None
    cause: str = ""


class Autoscaler:
    """Reconciles a cluster's HorizontalPodAutoscalers."""

    def __init__(self, world: World, load: Load) -> None:
        self._world, self._load = world, load
        self._memory: dict[str, _Memory] = {}

    def reconcile(self) -> None:
        """Give every autoscaler one pass."""
        self._world.each(HPA, lambda _, found: self._pass(found))

    def _pass(self, found: Entry) -> None:
        hpa = found.obj
        meta, reference = hpa["metadata"], hpa["spec"]["scaleTargetRef"]
        kind = _TARGETS.get(reference["kind"], DEPLOYMENT)
        target = self._world.store.get(kind, meta["namespace"], reference["name"])
        status: Obj = msgspec.json.decode(msgspec.json.encode(hpa.get("status") or {}))
        if target is None:
            self._no_target(found, status, f'{kind.plural}.{kind.group} "{reference["name"]}"')
            return
        current = target.obj["spec"]["replicas"]
        verdict = self._verdict(hpa, target.obj, current)
        if verdict.replicas != current:
            self._rescale(found, target, verdict, current)
        _write(status, verdict, current)
        if verdict.replicas != current and verdict.able[1] == "SucceededRescale":
            status["lastScaleTime"] = now()
        self._world.set_status(HPA, found, status, AUTOSCALER)

    def _no_target(self, found: Entry, status: Obj, what: str) -> None:
        text = f"the HPA controller was unable to get the target's current scale: {what} not found"
        with_condition(status, "AbleToScale", "False", "FailedGetScale", text)
        status.setdefault("desiredReplicas", 0)
        if self._world.set_status(HPA, found, status, AUTOSCALER) is not found:
            self._event(found.obj, "FailedGetScale", f"{what} not found", word="Warning")

    def _event(self, hpa: Obj, reason: str, text: str, *, word: str = "Normal") -> None:
        self._world.event(HPA, hpa, reason, text, word=word, source="horizontal-pod-autoscaler")

    def _verdict(self, hpa: Obj, target: Obj, current: int) -> _Verdict:
        low, high = hpa["spec"].get("minReplicas", 1), hpa["spec"]["maxReplicas"]
        able = (
            "True",
            "SucceededGetScale",
            "the HPA controller was able to get the target's current scale",
        )
        if current == 0:
            text = "scaling is disabled since the replica count of the target is zero"
            return _Verdict(0, able, ("False", "ScalingDisabled", text))
        if current > high:
            cause = "Current number of replicas above Spec.MaxReplicas"
            return _Verdict(high, able, cause=cause)
        if current < low:
            cause = "Current number of replicas below Spec.MinReplicas"
            return _Verdict(low, able, cause=cause)
        return self._from_metrics(hpa, target, current, able)

    def _from_metrics(
        self, hpa: Obj, target: Obj, current: int, able: tuple[str, str, str]
    ) -> _Verdict:
        proposals, metrics = [], []
        for metric in hpa["spec"].get("metrics") or ():
            try:
                proposal, seen = self._propose(metric, target, current)
            except ApiError as error:
                return self._no_metrics(hpa, current, able, str(error))
            proposals.append(proposal)
            metrics.append(seen)
        if not proposals:
            return self._no_metrics(hpa, current, able, "no metrics configured")
        valid = f"the HPA was able to successfully calculate a replica count from {_CPU}"
        wanted = max(proposals)
        memory = self._memory.setdefault(hpa["metadata"]["uid"], _Memory([], []))
        steady, able = _stabilised(memory, hpa["spec"].get("behavior") or {}, wanted, current)
        replicas, *limited = _limited(memory, hpa["spec"], steady, current)
        cause = f"{_CPU} above target" if replicas > current else "All metrics below target"
        return _Verdict(
            replicas,
            able,
            ("True", "ValidMetricFound", valid),
            (limited[0], limited[1], limited[2]),
            metrics,
            cause,
        )

    def _no_metrics(self, hpa: Obj, current: int, able: tuple[str, str, str], why: str) -> _Verdict:
        text = f"the HPA was unable to compute the replica count: {why}"
        self._event(hpa, "FailedGetResourceMetric", why, word="Warning")
        return _Verdict(current, able, ("False", "FailedGetResourceMetric", text), metrics=[])

    def _propose(self, metric: Obj, target: Obj, current: int) -> tuple[int, Obj]:
        resource = metric.get("resource")
        goal = dig(resource, "target", "averageUtilization")
        if not resource or goal is None or resource["name"] != "cpu":
            name = dig(resource, "name") or metric.get("type")
            raise ApiError(500, f"unable to get metrics for {name}: not served by this fleet")
        takes = selector_test(target["spec"].get("selector"))
        pods = [
            pod
            for pod in self._world.store.objects(POD, target["metadata"]["namespace"])
            if takes(labels(pod)) and is_ready(pod)
        ]
        used = self._load(target, CLOCK.seconds()) if pods else None
        if used is None:
            raise ApiError(
                500,
                "failed to get cpu utilization: unable to get metrics for resource cpu: no metrics"
                " returned from resource metrics API",
            )
        request = float(pod_resources(pods[0], "requests").get("cpu", 0))
        if not request:
            name = pods[0]["spec"]["containers"][0]["name"]
            raise ApiError(
                500,
                "failed to get cpu utilization: missing request for cpu in container"
                f" {name} of Pod {pods[0]['metadata']['name']}",
            )
        average = used / len(pods)
        percent = int(100 * average / request)
        ratio = percent / goal
        wanted = current if abs(ratio - 1) <= _TOLERANCE else math.ceil(ratio * len(pods))
        shown = {"averageUtilization": percent, "averageValue": f"{int(average * 1000)}m"}
        return wanted, {"type": "Resource", "resource": {"name": "cpu", "current": shown}}

    def _rescale(self, found: Entry, target: Entry, verdict: _Verdict, current: int) -> None:
        kind = _TARGETS[found.obj["spec"]["scaleTargetRef"]["kind"]]
        wanted = verdict.replicas
        self._world.registry.change(
            kind,
            target,
            lambda obj: obj["spec"].update(replicas=wanted),
            AUTOSCALER,
            subresource="scale",
        )
        memory = self._memory.setdefault(found.obj["metadata"]["uid"], _Memory([], []))
        memory.changes.append((CLOCK.seconds(), wanted - current))
        del memory.changes[:-50]
        text = f"the HPA controller was able to update the target scale to {wanted}"
        verdict.able = ("True", "SucceededRescale", text)
        said = f"New size: {wanted}; reason: {verdict.cause}"
        self._event(found.obj, "SuccessfulRescale", said)


def _write(status: Obj, verdict: _Verdict, current: int) -> None:
    status["currentReplicas"] = current
    status["desiredReplicas"] = verdict.replicas
    status["currentMetrics"] = verdict.metrics
    for name, found in (
        ("AbleToScale", verdict.able),
        ("ScalingActive", verdict.active),
        ("ScalingLimited", verdict.limited),
    ):
        if found:
            with_condition(status, name, *found)


def _stabilised(
    memory: _Memory, behavior: Obj, wanted: int, current: int
) -> tuple[int, tuple[str, str, str]]:
    moment = CLOCK.seconds()
    up = dig(behavior, "scaleUp", "stabilizationWindowSeconds") or 0
    down = dig(behavior, "scaleDown", "stabilizationWindowSeconds")
    down = 300 if down is None else down
    memory.proposals = [
        (at, count) for at, count in memory.proposals if moment - at <= max(up, down)
    ]
    ceiling = min([c for at, c in memory.proposals if moment - at <= up] + [wanted])
    floor = max([c for at, c in memory.proposals if moment - at <= down] + [wanted])
    memory.proposals.append((moment, wanted))
    steady = min(floor, max(ceiling, current))
    if steady == wanted:
        return steady, ("True", "ReadyForNewScale", "recommended size matches current size")
    if steady > wanted:
        text = "recent recommendations were higher than current one, applying the highest recent"
        return steady, ("True", "ScaleDownStabilized", f"{text} recommendation")
    text = "recent recommendations were lower than current one, applying the lowest recent"
    return steady, ("True", "ScaleUpStabilized", f"{text} recommendation")


def _limited(memory: _Memory, spec: Obj, wanted: int, current: int) -> tuple[int, str, str, str]:
    low, high = spec.get("minReplicas", 1), spec["maxReplicas"]
    behavior = spec.get("behavior") or {}
    if wanted > current:
        rate = max(current, _rate(memory, behavior.get("scaleUp") or {}, current, up=True))
        ceiling = min(rate, high)
        if wanted > ceiling:
            return ceiling, "True", *(_RATE_UP if high > rate else _TOO_MANY)
    elif wanted < current:
        rate = min(current, _rate(memory, behavior.get("scaleDown") or {}, current, up=False))
        floor = max(rate, low)
        if wanted < floor:
            return floor, "True", *(_RATE_DOWN if low < rate else _TOO_FEW)
    return wanted, "False", *_WITHIN


_RATE_UP = (
    "ScaleUpLimit",
    "the desired replica count is increasing faster than the maximum scale rate",
)
_RATE_DOWN = (
    "ScaleDownLimit",
    "the desired replica count is decreasing faster than the maximum scale rate",
)
_TOO_MANY = ("TooManyReplicas", "the desired replica count is more than the maximum replica count")
_TOO_FEW = ("TooFewReplicas", "the desired replica count is less than the minimum replica count")
_WITHIN = ("DesiredWithinRange", "the desired count is within the acceptable range")


def _rate(memory: _Memory, rules: Obj, current: int, *, up: bool) -> int:
    if rules.get("selectPolicy") == "Disabled":
        return current
    policies: list[Any] = rules.get("policies") or []
    if not policies:
        return max(2 * current, current + 4) if up else 0
    found = [_policy(memory, one, current, up=up) for one in policies]
    widest = (
        (max if up else min) if rules.get("selectPolicy", "Max") == "Max" else (min if up else max)
    )
    return int(widest(found))


def _policy(memory: _Memory, policy: Obj, current: int, *, up: bool) -> int:
    since = CLOCK.seconds() - policy["periodSeconds"]
    moved = sum(step for at, step in memory.changes if at >= since and (step > 0) == up)
    start = current - moved
    if policy["type"] == "Pods":
        return int(start + policy["value"] if up else start - policy["value"])
    share = 1 + policy["value"] / 100 if up else 1 - policy["value"] / 100
    return int(math.ceil(start * share) if up else math.floor(start * share))
