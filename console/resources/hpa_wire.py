"""An autoscaler's JSON, and what each of its metrics asks for."""

import msgspec

from console.resources.wire import GenerationMeta, Wire, WireCondition, milli

_TOLERANCE_MILLI = 100


class Metric(msgspec.Struct, frozen=True, rename="camel"):
    """One metric of an autoscaler: where it is, where it should be, what it asks for."""

    name: str
    target: str
    current: str | None = None
    """None when the controller has no value."""
    ratio: float | None = None
    proposed: int | None = None
    """Replicas that would bring it to its target; never limited to min and max."""


class TargetRef(Wire, frozen=True):
    """`spec.scaleTargetRef`."""

    kind: str | None = None
    name: str | None = None
    api_version: str | None = None


class Amount(Wire, frozen=True):
    """A metric's target or its current value."""

    type: str | None = None
    average_utilization: int | None = None
    average_value: str | int | float | None = None
    value: str | int | float | None = None


class MetricName(Wire, frozen=True):
    """The name of a metric that an adapter serves, with its selector."""

    name: str | None = None
    selector: dict[str, object] | None = None


class MetricSource(Wire, frozen=True):
    """One of the five kinds of metric, in spec (target) or status (current)."""

    name: str | None = None
    container: str | None = None
    metric: MetricName | None = None
    described_object: TargetRef | None = None
    target: Amount | None = None
    current: Amount | None = None


class WireMetric(Wire, frozen=True):
    """An entry of `spec.metrics` or `status.currentMetrics`; a failed one has an empty type."""

    type: str | None = None
    resource: MetricSource | None = None
    container_resource: MetricSource | None = None
    pods: MetricSource | None = None
    object: MetricSource | None = None
    external: MetricSource | None = None

    @property
    def source(self) -> MetricSource | None:
        """Return the part that `type` names."""
        return self.resource or self.container_resource or self.pods or self.object or self.external

    @property
    def label(self) -> str:
        """Return the name people say, as cpu, app/memory, requests_per_second."""
        source = self.source
        if source is None:
            return ""
        if source.metric is not None:
            about = source.described_object
            prefix = f"{about.kind}/{about.name}:" if about else ""
            return f"{prefix}{source.metric.name}"
        return f"{source.container}/{source.name}" if source.container else source.name or "?"

    @property
    def identity(self) -> tuple[str, str, str]:
        """Return what pairs a spec entry with its status entry."""
        source = self.source
        selector = source.metric.selector if source and source.metric else None
        return self.type or "", self.label, repr(selector or {})


class Scaling(Wire, frozen=True):
    """One direction of `spec.behavior`."""

    stabilization_window_seconds: int | None = None
    tolerance: str | int | float | None = None


class Behavior(Wire, frozen=True):
    """`spec.behavior`."""

    scale_up: Scaling | None = None
    scale_down: Scaling | None = None


class HpaSpec(Wire, frozen=True):
    """An autoscaler's spec."""

    scale_target_ref: TargetRef | None = None
    min_replicas: int | None = None
    max_replicas: int | None = None
    metrics: list[WireMetric] | None = None
    behavior: Behavior | None = None


class HpaStatus(Wire, frozen=True):
    """An autoscaler's status."""

    observed_generation: int | None = None
    last_scale_time: str | None = None
    current_replicas: int | None = None
    desired_replicas: int | None = None
    current_metrics: list[WireMetric] | None = None
    conditions: list[WireCondition] | None = None


_NO_META = GenerationMeta()
_NO_SPEC = HpaSpec()


class HpaWire(Wire, frozen=True):
    """An autoscaler as the API server writes it (autoscaling/v2)."""

    metadata: GenerationMeta = _NO_META
    spec: HpaSpec = _NO_SPEC
    status: HpaStatus | None = None


def metrics(spec: HpaSpec, status: HpaStatus) -> tuple[Metric, ...]:
    """Put each metric of the spec beside its value, and compute what it asks for."""
    values = {metric.identity: metric for metric in status.current_metrics or () if metric.type}
    return tuple(
        _metric(metric, values.get(metric.identity), status.current_replicas, spec.behavior)
        for metric in spec.metrics or ()
    )


def _metric(
    wanted: WireMetric, found: WireMetric | None, replicas: int | None, behavior: Behavior | None
) -> Metric:
    target = (wanted.source.target if wanted.source else None) or Amount()
    current = (found.source.current if found and found.source else None) or Amount()
    name = wanted.label or wanted.type or "?"
    for field, unit in (("average_utilization", "%"), ("average_value", ""), ("value", "")):
        goal = getattr(target, field)
        if goal is None:
            continue
        value = getattr(current, field)
        shown = None if value is None else f"{value}{unit}"
        now, aim = milli(value), milli(goal)
        if now is None or not aim:
            return Metric(name, f"{goal}{unit}", shown)
        proposed = None if replicas is None else _proposed(replicas, now, aim, behavior)
        return Metric(name, f"{goal}{unit}", shown, round(now / aim, 3), proposed)
    return Metric(name, "?")


def _proposed(replicas: int, now: int, aim: int, behavior: Behavior | None) -> int:
    """Return ceil(replicas * now / aim), or replicas within the tolerance; never clamped."""
    direction = None
    if behavior is not None:
        direction = behavior.scale_up if now > aim else behavior.scale_down
    tolerance = milli(direction.tolerance) if direction is not None else None
    allowed = _TOLERANCE_MILLI if tolerance is None else tolerance
    if abs(now - aim) * 1000 <= allowed * aim:
        return replicas
    return -(-replicas * now // aim)
