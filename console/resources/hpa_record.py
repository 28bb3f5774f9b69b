"""An autoscaler's record: its bounds, its metrics, and what history adds."""

from console.record import Record
from console.resources.hpa_wire import Metric
from console.resources.shapes import Condition, condition


class Hpa(Record, frozen=True, kw_only=True):
    """An autoscaler as its controller reports it."""

    target_kind: str = ""
    target_name: str = ""
    min_replicas: int | None = None
    max_replicas: int | None = None
    current_replicas: int | None = None
    """The target's `spec.replicas`, not the pods that are ready."""
    desired_replicas: int | None = None
    """After limits: it never exceeds the maximum; `demand` does."""
    metrics: tuple[Metric, ...] = ()
    failed_metrics: int = 0
    conditions: tuple[Condition, ...] = ()
    last_scale_at: float | None = None
    window_up: int = 0
    window_down: int = 300
    generation: int | None = None
    observed_generation: int | None = None
    out_of_range_since: float | None = None
    """Seen to leave its range; None when it was so already when first seen."""
    pinned_since: float | None = None
    history: tuple[tuple[float, int], ...] = ()
    """Sizes as they were seen to change, for half an hour."""

    @property
    def leading(self) -> Metric | None:
        """Return the metric that asks for the most."""
        known = [metric for metric in self.metrics if metric.proposed is not None]
        return max(known, key=lambda metric: metric.proposed or 0, default=None)

    @property
    def demand(self) -> int | None:
        """Return the replicas that would bring every metric to its target, beyond any limit."""
        return self.leading.proposed if self.leading else None

    @property
    def is_out_of_range(self) -> bool:
        """Tell whether the replicas are outside min and max."""
        now, low, high = self.current_replicas, self.min_replicas, self.max_replicas
        if now is None:
            return False
        return (high is not None and now > high) or (now != 0 and low is not None and now < low)

    @property
    def is_pinned(self) -> bool:
        """Tell whether the metrics ask for more than the maximum it stands at."""
        limited = condition(self.conditions, "ScalingLimited")
        return (
            limited is not None
            and limited.status == "True"
            and limited.reason == "TooManyReplicas"
            and self.current_replicas == self.max_replicas
        )

    @property
    def size(self) -> str:
        """Return now, min and max in words."""
        return f"{self.current_replicas} of {self.min_replicas}–{self.max_replicas}"  # noqa: RUF001


def since_pinned(hpa: Hpa) -> float | None:
    """Return since when it may be pinned at most: seen, or the later of its last two moves."""
    if hpa.pinned_since is not None:
        return hpa.pinned_since
    limited = condition(hpa.conditions, "ScalingLimited")
    moments = [hpa.last_scale_at, limited.since if limited else None]
    return max((moment for moment in moments if moment is not None), default=None)
