"""Autoscalers: their bounds, what their metrics ask for, and the state they are in."""

from collections.abc import Iterable

import msgspec

from console.clock import parse_time
from console.record import Key, Record, Word
from console.resources.cells import (
    age,
    age_column,
    count,
    labels_column,
    place_columns,
    state_columns,
)
from console.resources.hpa_record import Hpa, since_pinned
from console.resources.hpa_wire import HpaStatus, HpaWire, metrics
from console.resources.hpa_words import judge, not_judged
from console.resources.wire import base, conditions
from console.store import Snapshot
from console.view import Column, KubeSource, View

__all__ = ["VIEW", "Hpa", "carry", "flatten"]

_HISTORY_SECONDS = 1800.0
_DEFAULT_DOWN_WINDOW = 300
_NO_STATUS = HpaStatus()


def flatten(cluster: str, wire: HpaWire) -> Hpa | None:
    """Make the record of an autoscaler."""
    start = base(cluster, "hpa", wire.metadata)
    if start is None:
        return None
    spec, status = wire.spec, wire.status or _NO_STATUS
    target, behavior = spec.scale_target_ref, spec.behavior
    up = behavior.scale_up if behavior else None
    down = behavior.scale_down if behavior else None
    window_down = down.stabilization_window_seconds if down else None
    return Hpa(
        **start,
        target_kind=(target.kind or "") if target else "",
        target_name=(target.name or "") if target else "",
        min_replicas=1 if spec.min_replicas is None else spec.min_replicas,
        max_replicas=spec.max_replicas,
        current_replicas=status.current_replicas,
        desired_replicas=status.desired_replicas,
        metrics=metrics(spec, status),
        failed_metrics=sum(not metric.type for metric in status.current_metrics or ()),
        conditions=conditions(status.conditions),
        last_scale_at=parse_time(status.last_scale_time),
        window_up=(up.stabilization_window_seconds if up else None) or 0,
        window_down=_DEFAULT_DOWN_WINDOW if window_down is None else window_down,
        generation=wire.metadata.generation,
        observed_generation=status.observed_generation,
    )


def carry(before: Hpa, fresh: Hpa, now: float) -> Hpa:
    """Remember since when it is out of range or pinned, and how its replicas moved."""
    history = before.history
    if fresh.current_replicas is not None and fresh.current_replicas != before.current_replicas:
        if not history and before.current_replicas is not None:
            history = ((now, before.current_replicas),)
        history = (*history, (now, fresh.current_replicas))
    # The last size before the window is kept: it tells the direction of the first move inside.
    older = sum(moment < now - _HISTORY_SECONDS for moment, _ in history)
    return msgspec.structs.replace(
        fresh,
        history=history[max(0, older - 1) :],
        out_of_range_since=_since(
            fresh.is_out_of_range, before.is_out_of_range, before.out_of_range_since, now
        ),
        pinned_since=_since(fresh.is_pinned, before.is_pinned, before.pinned_since, now),
    )


def _since(holds: bool, held: bool, before: float | None, now: float) -> float | None:
    if not holds:
        return None
    return before if held else now


def _metrics_text(hpa: Hpa) -> str:
    if not hpa.metrics:
        return "none"
    return ", ".join(f"{one.name} {one.current or '?'}/{one.target}" for one in hpa.metrics)


def _related(hpa: Hpa, look: Snapshot) -> Iterable[Record]:
    key = Key(hpa.key.cluster, hpa.target_kind.lower(), hpa.key.namespace, hpa.target_name)
    target = look.get(key)
    return [] if target is None else [target]


def _extra(hpa: Hpa, look: Snapshot) -> dict[str, object]:
    leading = hpa.leading
    return {
        "demand": hpa.demand,
        "dominatingMetric": leading.name if leading else None,
        "pinnedSince": since_pinned(hpa) if hpa.is_pinned else None,
        "notJudged": list(not_judged(hpa, look)),
    }


def _facts(hpa: Hpa, look: Snapshot) -> Iterable[tuple[str, str | Word]]:
    now = look.now(hpa.key.cluster)
    yield "State", VIEW.judged(hpa, look)
    yield "Target", f"{hpa.target_kind}/{hpa.target_name}"
    yield "Min / max", f"{count(hpa.min_replicas)} / {count(hpa.max_replicas)}"
    yield "Replicas", f"{count(hpa.current_replicas)} now, {count(hpa.desired_replicas)} wanted"
    yield "Demand", "?" if hpa.demand is None else f"{hpa.demand} replicas"
    for metric in hpa.metrics:
        ratio = "?" if metric.ratio is None else f"{metric.ratio:.2f}"
        mark = "  (dominates)" if metric is hpa.leading else ""
        use = f"{metric.current or '?'} of {metric.target}"
        wish = f"asks for {count(metric.proposed)}{mark}"
        yield f"Metric {metric.name}", f"{use}, ratio {ratio}, {wish}"
    yield "Last scaled", f"{age(hpa.last_scale_at, now)} ago" if hpa.last_scale_at else "never"
    yield "Windows", f"up {hpa.window_up}s, down {hpa.window_down}s"
    if hpa.is_pinned:
        yield "Pinned for", age(since_pinned(hpa), now)
    if missing := list(not_judged(hpa, look)):
        yield "Not judged", "; ".join(missing)


VIEW: View[Hpa] = View(
    kind="hpa",
    title="Autoscalers",
    aliases=("hpas", "autoscaler", "autoscalers", "horizontalpodautoscalers"),
    record=Hpa,
    source=KubeSource(
        path="/apis/autoscaling/v2/horizontalpodautoscalers",
        wire=HpaWire,
        flatten=flatten,
        carry=carry,
    ),
    needs=("deployment", "statefulset", "pod", "event"),
    word=judge,
    columns=(
        *place_columns(),
        Column[Hpa](title="Target", text=lambda hpa, _: f"{hpa.target_kind}/{hpa.target_name}"),
        *state_columns(lambda: VIEW),
        Column[Hpa](
            title="Min",
            text=lambda hpa, _: count(hpa.min_replicas),
            order=lambda hpa, _: hpa.min_replicas,
            right=True,
        ),
        Column[Hpa](
            title="Max",
            text=lambda hpa, _: count(hpa.max_replicas),
            order=lambda hpa, _: hpa.max_replicas,
            right=True,
        ),
        Column[Hpa](
            title="Now",
            text=lambda hpa, _: count(hpa.current_replicas),
            order=lambda hpa, _: hpa.current_replicas,
            right=True,
        ),
        Column[Hpa](
            title="Demand",
            text=lambda hpa, _: count(hpa.demand),
            order=lambda hpa, _: hpa.demand,
            right=True,
        ),
        Column[Hpa](title="Metrics", text=lambda hpa, _: _metrics_text(hpa)),
        age_column(),
        Column[Hpa](
            title="Last scaled",
            text=lambda hpa, look: (
                age(hpa.last_scale_at, look.now(hpa.key.cluster)) if hpa.last_scale_at else "-"
            ),
            order=lambda hpa, _: hpa.last_scale_at,
            right=True,
            wide=True,
        ),
        labels_column(),
    ),
    extra=_extra,
    facts=_facts,
    related=_related,
    actions=("scale-tenant",),
)
