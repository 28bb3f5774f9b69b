"""The word for an autoscaler's state: eighteen rules, the first that holds wins."""

from collections.abc import Callable, Iterator
from itertools import pairwise

from console.record import Key, Tone, Word
from console.resources.hpa_record import Hpa, since_pinned
from console.resources.index import EVENTS_BY_SUBJECT, PODS_BY_OWNER
from console.resources.shapes import Workload, condition
from console.resources.workload import pod_cause, short_seconds
from console.store import Snapshot
from console.units import format_age

__all__ = ["Hpa", "judge", "not_judged"]

_NEW_SECONDS = 60.0
_YOUNG_SECONDS = 180.0
_EVENT_SECONDS = 300.0
_PINNED_SECONDS = 600.0
_OUT_SECONDS = 60.0
_SHORT_SECONDS = 120.0
_RESCALE_SECONDS = 60.0
_FLAP_SECONDS = 1800.0
_FLAP_TURNS = 4
_FLAP_AMPLITUDE = 2


def not_judged(hpa: Hpa, look: Snapshot) -> Iterator[str]:
    """Name the rules that cannot be judged from what is known, and why."""
    if _flapping(hpa, look) is None and not _has_history(hpa, look):
        yield "flapping (needs 30m of history)"
    if not _complete(look, hpa.key.cluster, "event"):
        yield "failed rescale events (events are not read)"
    if not _complete(look, hpa.key.cluster, hpa.target_kind.lower()):
        yield f"ready pods ({hpa.target_kind or 'target'} is not read)"


def judge(hpa: Hpa, look: Snapshot) -> Word:
    """Name an autoscaler's state; the first rule that answers wins."""
    for rule in _RULES:
        word = rule(hpa, look)
        if word is not None:
            return word if rule not in _AFTER_FLAPPING else _doubted(word, hpa, look)
    return _doubted(Word("OK", Tone.OK, _load(hpa)), hpa, look)


def _doubted(word: Word, hpa: Hpa, look: Snapshot) -> Word:
    if _has_history(hpa, look):
        return word
    doubt = "flapping unknown"
    return Word(word.text, word.tone, f"{word.reason}; {doubt}" if word.reason else doubt)


def _unknown(hpa: Hpa, look: Snapshot) -> Word | None:
    if hpa.conditions:
        return None
    age = None if hpa.created is None else look.now(hpa.key.cluster) - hpa.created
    if age is not None and age < _NEW_SECONDS:
        return Word("UNKNOWN", Tone.UNKNOWN, f"no status yet, {format_age(age)} old")
    reason = f"no status after {format_age(age)}: no controller looks at it"
    return Word("UNKNOWN", Tone.UNKNOWN, reason)


def _no_target(hpa: Hpa, _: Snapshot) -> Word | None:
    able = condition(hpa.conditions, "AbleToScale")
    if able is None or able.status != "False" or able.reason != "FailedGetScale":
        return None
    return Word("NO TARGET", Tone.BAD, able.message or f"{hpa.target_kind}/{hpa.target_name}")


def _cannot_write(hpa: Hpa, look: Snapshot) -> Word | None:
    able = condition(hpa.conditions, "AbleToScale")
    if able is not None and able.status == "False" and able.reason == "FailedUpdateScale":
        return Word("CANNOT WRITE", Tone.BAD, able.message)
    now = look.now(hpa.key.cluster)
    subject = ("HorizontalPodAutoscaler", hpa.key.namespace, hpa.key.name)
    for event in EVENTS_BY_SUBJECT.find(look, hpa.key.cluster, subject):
        fresh = event.last_at is not None and now - event.last_at < _EVENT_SECONDS
        if fresh and event.reason == "FailedRescale":
            return Word("CANNOT WRITE", Tone.BAD, event.message)
    return None


def _off(hpa: Hpa, look: Snapshot) -> Word | None:
    active = condition(hpa.conditions, "ScalingActive")
    disabled = active is not None and active.status == "False"
    if disabled and active is not None and active.reason == "ScalingDisabled":
        return Word("OFF", Tone.WARN, "the target has 0 replicas: it does not scale")
    target = _target(hpa, look)
    if hpa.current_replicas == 0 or (target is not None and target.replicas == 0):
        return Word("OFF", Tone.WARN, "the target has 0 replicas: it does not scale")
    return None


def _ambiguous(hpa: Hpa, look: Snapshot) -> Word | None:
    active = condition(hpa.conditions, "ScalingActive")
    if active is not None and active.status == "False" and active.reason == "AmbiguousSelector":
        return Word("AMBIGUOUS", Tone.BAD, active.message)
    rivals = [
        record.key.name
        for record in look.in_namespace(hpa.key.cluster, "hpa", hpa.key.namespace)
        if isinstance(record, Hpa)
        and (record.target_kind, record.target_name) == (hpa.target_kind, hpa.target_name)
        and record.key != hpa.key
    ]
    if not rivals:
        return None
    return Word("AMBIGUOUS", Tone.BAD, f"{', '.join(sorted(rivals))} has the same target")


def _no_metrics(hpa: Hpa, look: Snapshot) -> Word | None:
    active = condition(hpa.conditions, "ScalingActive")
    if active is None or active.status != "False":
        return None
    now = look.now(hpa.key.cluster)
    place = (hpa.key.namespace, hpa.target_kind, hpa.target_name)
    pods = PODS_BY_OWNER.find(look, hpa.key.cluster, place)
    births = [pod.created for pod in pods]
    young = hpa.created is not None and now - hpa.created < _YOUNG_SECONDS
    fresh = bool(births) and all(
        born is not None and now - born < _YOUNG_SECONDS for born in births
    )
    tone = Tone.WARN if young or fresh else Tone.BAD
    return Word("NO METRICS", tone, f"{active.reason}: {active.message}")


def _pinned_max(hpa: Hpa, look: Snapshot) -> Word | None:
    if not hpa.is_pinned:
        return None
    since = since_pinned(hpa)
    lasted = None if since is None else look.now(hpa.key.cluster) - since
    bound = "" if hpa.pinned_since is not None else "≤ "
    reason = f"{_wish(hpa)}, for {bound}{format_age(lasted)}"
    if hpa.leading is not None:
        leading = hpa.leading
        reason += f"; {leading.name} {leading.current} of {leading.target}"
    late = lasted is not None and lasted >= _PINNED_SECONDS
    return Word("PINNED MAX", Tone.BAD if late else Tone.WARN, reason)


def _wish(hpa: Hpa) -> str:
    if hpa.demand is None:
        return f"wants ?, max {hpa.max_replicas}"
    if hpa.max_replicas is not None and hpa.demand <= hpa.max_replicas:
        # The controller still holds a peak inside its stabilisation window.
        return f"wanted more than max {hpa.max_replicas} of late, {hpa.demand} now"
    return f"wants {hpa.demand}, max {hpa.max_replicas}"


def _partial_metrics(hpa: Hpa, _: Snapshot) -> Word | None:
    active = condition(hpa.conditions, "ScalingActive")
    missing = [metric.name for metric in hpa.metrics if metric.current is None]
    if active is None or active.status != "True" or not missing or hpa.is_out_of_range:
        return None
    return Word("PARTIAL METRICS", Tone.WARN, f"no value for {', '.join(missing)}")


def _out_of_range(hpa: Hpa, look: Snapshot) -> Word | None:
    lasted = _out_for(hpa, look)
    if lasted is None or lasted <= _OUT_SECONDS:
        return None
    return Word("OUT OF RANGE", Tone.WARN, f"{hpa.size} for {format_age(lasted)}")


def _out_for(hpa: Hpa, look: Snapshot) -> float | None:
    """Return for how long, at least, it has been out of range."""
    if not hpa.is_out_of_range:
        return None
    since = hpa.out_of_range_since
    if since is None:
        source = look.source(hpa.key.cluster, "hpa")
        known = [hpa.created, source.complete_at if source else None]
        since = max((moment for moment in known if moment is not None), default=None)
    return None if since is None else look.now(hpa.key.cluster) - since


def _at_max(hpa: Hpa, _: Snapshot) -> Word | None:
    limited = condition(hpa.conditions, "ScalingLimited")
    if limited is not None and limited.status == "True":
        return None
    low, high, now = hpa.min_replicas, hpa.max_replicas, hpa.current_replicas
    if low is None or high is None or now != high or low >= high:
        return None
    return Word("AT MAX", Tone.WARN, f"{hpa.size}; {_load(hpa)}")


def _not_ready(hpa: Hpa, look: Snapshot) -> Word | None:
    target, wanted = _target(hpa, look), hpa.current_replicas
    if target is None or target.ready is None or not wanted or target.ready >= 0.8 * wanted:
        return None
    lasted = short_seconds(target, look)
    if lasted is None or lasted <= _SHORT_SECONDS:
        return None
    cause = pod_cause(target, look)
    reason = f"{target.ready}/{wanted} pods ready for {format_age(lasted)}"
    if cause:
        return Word("NOT READY", Tone.BAD, f"{reason}; {cause}")
    return Word("NOT READY", Tone.WARN, reason)


def _flapping(hpa: Hpa, look: Snapshot) -> Word | None:
    oldest = look.now(hpa.key.cluster) - _FLAP_SECONDS
    before = [size for moment, size in hpa.history if moment < oldest][-1:]
    sizes = before + [size for moment, size in hpa.history if moment >= oldest]
    steps = [later - earlier for earlier, later in pairwise(sizes)]
    steps = [step for step in steps if step]
    turns = sum(one * two < 0 for one, two in pairwise(steps))
    if turns < _FLAP_TURNS or max(sizes) - min(sizes) < _FLAP_AMPLITUDE:
        return None
    reason = f"turned {turns} times in 30m between {min(sizes)} and {max(sizes)}"
    return Word("FLAPPING", Tone.WARN, reason)


def _scaling(hpa: Hpa, look: Snapshot) -> Word | None:
    target, wanted = _target(hpa, look), hpa.desired_replicas
    there = target.ready if target is not None else hpa.current_replicas
    if wanted is not None and there is not None and wanted != there:
        text = "SCALING UP" if wanted > there else "SCALING DOWN"
        noun = "ready" if target is not None else "replicas"
        return Word(text, Tone.PROGRESS, f"{there} {noun}, wants {wanted}")
    if hpa.is_out_of_range:
        text = "SCALING UP" if _below(hpa) else "SCALING DOWN"
        return Word(text, Tone.PROGRESS, f"{hpa.size}; since when is unknown")
    now = look.now(hpa.key.cluster)
    if hpa.last_scale_at is None or now - hpa.last_scale_at >= _RESCALE_SECONDS:
        return None
    reason = f"rescaled to {hpa.current_replicas} {format_age(now - hpa.last_scale_at)} ago"
    went_up = _went_up(hpa, look)
    if went_up is None:
        return Word("SCALING", Tone.PROGRESS, f"{reason}; from what is unknown")
    return Word("SCALING UP" if went_up else "SCALING DOWN", Tone.PROGRESS, reason)


def _went_up(hpa: Hpa, look: Snapshot) -> bool | None:
    """Tell the direction of the last rescale, as seen or as its event says; None when unknown."""
    sizes = [size for _, size in hpa.history[-2:]]
    if len(sizes) == 2:
        return sizes[1] > sizes[0]
    subject = ("HorizontalPodAutoscaler", hpa.key.namespace, hpa.key.name)
    told = [
        event
        for event in EVENTS_BY_SUBJECT.find(look, hpa.key.cluster, subject)
        if event.reason == "SuccessfulRescale"
    ]
    last = max(told, key=lambda event: event.last_at or 0.0, default=None)
    if last is None:
        return None
    if "above target" in last.message or "below Spec.MinReplicas" in last.message:
        return True
    if "below target" in last.message or "above Spec.MaxReplicas" in last.message:
        return False
    return None


def _below(hpa: Hpa) -> bool:
    return (hpa.current_replicas or 0) < (hpa.min_replicas or 0)


def _rate_limited(hpa: Hpa, _: Snapshot) -> Word | None:
    limited = condition(hpa.conditions, "ScalingLimited")
    if limited is None or limited.status != "True":
        return None
    if limited.reason not in ("ScaleUpLimit", "ScaleDownLimit"):
        return None
    return Word("RATE LIMITED", Tone.PROGRESS, limited.message or limited.reason)


def _holding(hpa: Hpa, _: Snapshot) -> Word | None:
    able = condition(hpa.conditions, "AbleToScale")
    windows = {"ScaleDownStabilized": hpa.window_down, "ScaleUpStabilized": hpa.window_up}
    if able is None or able.reason not in windows:
        return None
    side = "down" if able.reason == "ScaleDownStabilized" else "up"
    reason = f"holds {hpa.current_replicas} before scaling {side}, ≤ {windows[able.reason]}s"
    return Word("HOLDING", Tone.OFF, reason)


def _at_min(hpa: Hpa, _: Snapshot) -> Word | None:
    if hpa.min_replicas == hpa.max_replicas:
        return None
    limited = condition(hpa.conditions, "ScalingLimited")
    few = limited is not None and limited.status == "True" and limited.reason == "TooFewReplicas"
    if not few and hpa.current_replicas != hpa.min_replicas:
        return None
    return Word("AT MIN", Tone.OFF, _load(hpa))


def _fixed(hpa: Hpa, _: Snapshot) -> Word | None:
    if hpa.min_replicas is None or hpa.min_replicas != hpa.max_replicas:
        return None
    return Word("FIXED", Tone.OFF, f"min and max are both {hpa.min_replicas}")


def _load(hpa: Hpa) -> str:
    leading = hpa.leading
    return f"{leading.name} {leading.current} of {leading.target}" if leading else ""


def _target(hpa: Hpa, look: Snapshot) -> Workload | None:
    key = Key(hpa.key.cluster, hpa.target_kind.lower(), hpa.key.namespace, hpa.target_name)
    found = look.get(key)
    return found if isinstance(found, Workload) else None


def _complete(look: Snapshot, cluster: str, kind: str) -> bool:
    source = look.source(cluster, kind)
    return source is not None and source.complete_at is not None


def _has_history(hpa: Hpa, look: Snapshot) -> bool:
    source = look.source(hpa.key.cluster, "hpa")
    if source is None or source.complete_at is None:
        return False
    if hpa.created is not None and hpa.created >= source.complete_at:
        return True
    return look.now(hpa.key.cluster) - source.complete_at >= _FLAP_SECONDS


_Rule = Callable[[Hpa, Snapshot], Word | None]
_RULES: tuple[_Rule, ...] = (
    _unknown,
    _no_target,
    _cannot_write,
    _off,
    _ambiguous,
    _no_metrics,
    _pinned_max,
    _partial_metrics,
    _out_of_range,
    _at_max,
    _not_ready,
    _flapping,
    _scaling,
    _rate_limited,
    _holding,
    _at_min,
    _fixed,
)
_AFTER_FLAPPING = frozenset(_RULES[_RULES.index(_flapping) + 1 :])
