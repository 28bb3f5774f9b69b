"""The eighteen rules of an autoscaler's word: each, its neighbour, and their order."""

from typing import Any

import pytest

from console.record import Tone
from console.resources import views
from console.store import SourceState
from tests.unit.resources.world import (
    NOW,
    Json,
    World,
    ago,
    container,
    deployment,
    hpa,
    merged,
    meta,
    pod,
    scaling,
    utilization,
)

MAX = ("True", "TooManyReplicas")
UP_LIMIT = ("True", "ScaleUpLimit")
FIXED_AT_4 = {"spec": {"minReplicas": 4, "maxReplicas": 4}}
NO_METRICS = ("False", "FailedGetResourceMetric")


def status(**fields: Any) -> Json:
    return {"status": fields}


def at(current: int, desired: int | None = None, **fields: Any) -> Json:
    return status(
        currentReplicas=current, desiredReplicas=current if desired is None else desired, **fields
    )


def judged(world: World, wire: Json, *, ready: int | None = None, wanted: int | None = None) -> Any:
    """Put the autoscaler beside a Deployment that has what the autoscaler says."""
    current = wire["status"].get("currentReplicas", 0) if "status" in wire else 0
    count = current if wanted is None else wanted
    have = count if ready is None else ready
    world.put(
        "deployment",
        deployment(
            "api",
            {"spec": {"replicas": count}, "status": {"replicas": count, "readyReplicas": have}},
        ),
    )
    return world.word(world.put("hpa", wire))


RULES = [
    # rule, word, tone, autoscaler
    (1, "UNKNOWN", Tone.UNKNOWN, {"status": None, "metadata": {"creationTimestamp": ago(59)}}),
    (1, "UNKNOWN", Tone.UNKNOWN, {"status": None, "metadata": {"creationTimestamp": ago(300)}}),
    (2, "NO TARGET", Tone.BAD, status(conditions=scaling(("False", "FailedGetScale")))),
    (3, "CANNOT WRITE", Tone.BAD, status(conditions=scaling(("False", "FailedUpdateScale")))),
    (4, "OFF", Tone.WARN, at(0, conditions=scaling(active=("False", "ScalingDisabled")))),
    (4, "OFF", Tone.WARN, at(0)),
    (5, "AMBIGUOUS", Tone.BAD, status(conditions=scaling(active=("False", "AmbiguousSelector")))),
    (6, "NO METRICS", Tone.BAD, status(conditions=scaling(active=NO_METRICS))),
    (6, "NO METRICS", Tone.BAD, status(conditions=scaling(active=("False", "InvalidSelector")))),
    (7, "PINNED MAX", Tone.BAD, at(10, conditions=scaling(limited=MAX))),
    (8, "PARTIAL METRICS", Tone.WARN, status(currentMetrics=[{"type": ""}])),
    (8, "PARTIAL METRICS", Tone.WARN, status(currentMetrics=None)),
    (9, "OUT OF RANGE", Tone.WARN, at(11)),
    (9, "OUT OF RANGE", Tone.WARN, at(1)),
    (10, "AT MAX", Tone.WARN, at(10)),
    (13, "SCALING UP", Tone.PROGRESS, at(5, 7)),
    (13, "SCALING DOWN", Tone.PROGRESS, at(5, 3)),
    (13, "SCALING", Tone.PROGRESS, status(lastScaleTime=ago(59))),
    (
        14,
        "RATE LIMITED",
        Tone.PROGRESS,
        status(conditions=scaling(limited=("True", "ScaleUpLimit"))),
    ),
    (
        14,
        "RATE LIMITED",
        Tone.PROGRESS,
        status(conditions=scaling(limited=("True", "ScaleDownLimit"))),
    ),
    (15, "HOLDING", Tone.OFF, status(conditions=scaling(("True", "ScaleDownStabilized")))),
    (15, "HOLDING", Tone.OFF, status(conditions=scaling(("True", "ScaleUpStabilized")))),
    (16, "AT MIN", Tone.OFF, at(2)),
    (16, "AT MIN", Tone.OFF, at(2, conditions=scaling(limited=("True", "TooFewReplicas")))),
    (17, "FIXED", Tone.OFF, merged(at(4), FIXED_AT_4)),
    (18, "OK", Tone.OK, {}),
]


@pytest.mark.parametrize(("rule", "text", "tone", "changes"), RULES)
def test_rule_gives_its_word(rule: int, text: str, tone: Tone, changes: Json) -> None:
    word = judged(World(), hpa(changes))
    assert (word.text, word.tone) == (text, tone), rule


NEIGHBOURS = [
    (2, "CANNOT WRITE", status(conditions=scaling(("False", "FailedUpdateScale")))),
    (2, "OK", status(conditions=scaling(("True", "SucceededGetScale")))),
    (4, "AT MIN", merged(at(1), {"spec": {"minReplicas": 1}})),
    (6, "OK", status(conditions=scaling(active=("True", "ValidMetricFound")))),
    (7, "OK", at(9, conditions=scaling(limited=MAX))),
    (7, "AT MAX", at(10, conditions=scaling(limited=("False", "DesiredWithinRange")))),
    (8, "OUT OF RANGE", at(11, currentMetrics=None)),
    (9, "AT MAX", at(10)),
    (9, "AT MIN", at(2)),
    (10, "OK", at(9)),
    (10, "FIXED", merged(at(10), {"spec": {"minReplicas": 10}})),
    (13, "OK", status(lastScaleTime=ago(60))),
    (14, "OK", status(conditions=scaling(limited=("False", "ScaleUpLimit")))),
    (15, "OK", status(conditions=scaling(("True", "SucceededRescale")))),
    (16, "OK", at(3)),
]


@pytest.mark.parametrize(("rule", "text", "changes"), NEIGHBOURS)
def test_just_outside_a_rule_another_word_is_given(rule: int, text: str, changes: Json) -> None:
    assert judged(World(), hpa(changes)).text == text, rule


ORDER = [
    # Each state satisfies both rules; the earlier one has to win.
    ("NO TARGET", status(conditions=scaling(("False", "FailedGetScale"), NO_METRICS))),
    ("CANNOT WRITE", status(conditions=scaling(("False", "FailedUpdateScale"), NO_METRICS))),
    ("OFF", at(0, conditions=scaling(active=("False", "ScalingDisabled"), limited=MAX))),
    ("NO METRICS", at(10, conditions=scaling(active=NO_METRICS, limited=MAX))),
    ("PINNED MAX", at(10, conditions=scaling(limited=MAX), currentMetrics=None)),
    ("PARTIAL METRICS", at(10, currentMetrics=None)),
    ("OUT OF RANGE", at(11, 10, lastScaleTime=ago(5))),
    ("AT MAX", at(10, 9, lastScaleTime=ago(5))),
    ("SCALING UP", at(5, 7, conditions=scaling(limited=("True", "ScaleUpLimit")))),
    (
        "RATE LIMITED",
        status(
            conditions=scaling(("True", "ScaleDownStabilized"), limited=("True", "ScaleDownLimit"))
        ),
    ),
    ("HOLDING", at(2, conditions=scaling(("True", "ScaleDownStabilized")))),
    (
        "PINNED MAX",
        merged(
            at(4, conditions=scaling(limited=MAX)), {"spec": {"minReplicas": 4, "maxReplicas": 4}}
        ),
    ),
]


@pytest.mark.parametrize(("text", "changes"), ORDER)
def test_the_earlier_rule_wins(text: str, changes: Json) -> None:
    assert judged(World(), hpa(changes)).text == text


def test_stale_cluster_makes_every_word_stale_then_unknown() -> None:
    world = World()
    record = world.put("hpa", hpa(at(10, conditions=scaling(limited=MAX))))
    view = views()["hpa"]
    world.clock.moment += 150
    assert view.judged(record, world.look).tone is Tone.STALE
    world.clock.moment += 300
    assert view.judged(record, world.look).text == "UNKNOWN"


def test_two_autoscalers_of_one_target_are_ambiguous() -> None:
    world = World()
    first = world.put("hpa", hpa())
    assert world.word(first).text == "OK"
    world.put("hpa", hpa(name="api-too"))
    assert world.word(first).text == "AMBIGUOUS"
    assert "api-too" in world.word(first).reason


def test_same_target_name_in_another_namespace_is_no_rival() -> None:
    world = World()
    first = world.put("hpa", hpa())
    world.put("hpa", hpa({"metadata": {"namespace": "tenant-globex"}}))
    assert world.word(first).text == "OK"


@pytest.mark.parametrize(("seconds", "text"), [(299, "CANNOT WRITE"), (301, "OK")])
def test_failed_rescale_event_counts_for_five_minutes(seconds: int, text: str) -> None:
    world = World()
    world.put(
        "event",
        {
            "metadata": meta("api.1"),
            "involvedObject": {
                "kind": "HorizontalPodAutoscaler",
                "name": "api",
                "namespace": "tenant-acme",
            },
            "reason": "FailedRescale",
            "type": "Warning",
            "message": "exceeded quota",
            "lastTimestamp": ago(seconds),
        },
    )
    assert judged(world, hpa()).text == text


def test_target_scaled_to_zero_is_off_before_the_controller_says_so() -> None:
    assert judged(World(), hpa(), wanted=0).text == "OFF"


def test_missing_metrics_of_young_pods_are_a_warning_only() -> None:
    world = World()
    world.put("pod", pod("api-7d4-a", age=100))
    wire = hpa(status(conditions=scaling(active=NO_METRICS)))
    assert judged(world, wire).tone is Tone.WARN
    world.put("pod", pod("api-7d4-b", age=1000))
    assert judged(world, wire).tone is Tone.BAD


def test_missing_metrics_of_a_young_autoscaler_are_a_warning_only() -> None:
    wire = hpa(
        {
            **status(conditions=scaling(active=NO_METRICS)),
            "metadata": {"creationTimestamp": ago(170)},
        }
    )
    assert judged(World(), wire).tone is Tone.WARN


def test_missing_metric_is_named_with_its_reason() -> None:
    conditions = scaling(active=NO_METRICS, message="unable to get cpu: no pods ready")
    reason = judged(World(), hpa(status(conditions=conditions))).reason
    assert "FailedGetResourceMetric" in reason
    assert "unable to get cpu" in reason


@pytest.mark.parametrize(
    ("flipped", "scaled", "tone"),
    [(599, 7200, Tone.WARN), (601, 7200, Tone.BAD), (7200, 599, Tone.WARN), (7200, 601, Tone.BAD)],
)
def test_pinned_is_red_ten_minutes_after_the_later_of_flip_and_scale(
    flipped: int, scaled: int, tone: Tone
) -> None:
    wire = hpa(
        at(10, lastScaleTime=ago(scaled), conditions=scaling(limited=MAX, since=flipped)), cpu=140
    )
    word = judged(World(), wire)
    assert (word.text, word.tone) == ("PINNED MAX", tone)
    assert "≤" in word.reason


def test_pinned_since_it_was_seen_to_begin() -> None:
    world = World()
    world.put("hpa", hpa())
    pinned = hpa(at(10, lastScaleTime=ago(7200), conditions=scaling(limited=MAX)), cpu=140)
    world.put("hpa", pinned)
    world.pass_time(300)
    record = world.put("hpa", pinned)
    assert record.pinned_since == NOW
    assert world.word(record).tone is Tone.WARN
    assert "≤" not in world.word(record).reason
    world.pass_time(301)
    assert world.word(record).tone is Tone.BAD


def test_pinned_word_names_the_demand_beyond_the_maximum() -> None:
    word = judged(World(), hpa(at(10, conditions=scaling(limited=MAX)), cpu=140))
    assert "wants 20, max 10" in word.reason


def test_pinned_by_an_earlier_peak_does_not_claim_the_demand_is_above() -> None:
    conditions = scaling(("True", "ScaleDownStabilized"), limited=MAX)
    word = judged(World(), hpa(at(10, conditions=conditions), cpu=35))
    assert word.text == "PINNED MAX"
    assert "5 now" in word.reason


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("New size: 5; reason: cpu resource utilization above target", "SCALING UP"),
        ("New size: 5; reason: All metrics below target", "SCALING DOWN"),
        ("New size: 5; reason: Current number of replicas above Spec.MaxReplicas", "SCALING DOWN"),
        ("New size: 5; reason: Current number of replicas below Spec.MinReplicas", "SCALING UP"),
        ("New size: 5; reason: something new", "SCALING"),
    ],
)
def test_rescale_event_tells_the_direction(message: str, text: str) -> None:
    world = World()
    about = {"kind": "HorizontalPodAutoscaler", "name": "api", "namespace": "tenant-acme"}
    told = {"reason": "SuccessfulRescale", "message": message, "lastTimestamp": ago(5)}
    world.put("event", {"metadata": meta("api.1"), "involvedObject": about, **told})
    assert judged(world, hpa(status(lastScaleTime=ago(5)))).text == text


def test_out_of_range_waits_a_minute_from_when_it_was_seen() -> None:
    world = World()
    world.put("hpa", hpa())
    record = world.put("hpa", hpa(at(12)))
    assert world.word(record).text == "SCALING DOWN"
    world.pass_time(61)
    assert world.word(record).text == "OUT OF RANGE"
    back = world.put("hpa", hpa(at(10)))
    assert back.out_of_range_since is None


def test_out_of_range_at_first_sight_counts_from_the_first_list() -> None:
    world = World(read_for=59)
    record = world.put("hpa", hpa(at(12)))
    assert world.word(record).text == "SCALING DOWN"
    world.pass_time(2)
    assert world.word(record).text == "OUT OF RANGE"


def test_not_ready_when_a_fifth_of_the_pods_is_missing_for_two_minutes() -> None:
    world = World()
    for index, age in enumerate((119, 119)):
        world.put("pod", unready(f"api-7d4-{index}", age))
    assert judged(world, hpa(), ready=3).text == "SCALING UP"
    world.pass_time(2)
    word = judged(world, hpa(), ready=3)
    assert word.text == "NOT READY"
    assert "3/5" in word.reason


def test_a_fifth_missing_is_still_ready_enough() -> None:
    world = World()
    world.put("pod", unready("api-7d4-a", 900))
    assert judged(world, hpa(), ready=4).text == "SCALING UP"


def test_not_ready_names_the_broken_pod() -> None:
    world = World()
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 5m"}
    for index in range(2):
        broken = {"containerStatuses": [container(ready=False, restarts=4, waiting=waiting)]}
        world.put("pod", merged(unready(f"api-7d4-{index}", 900), {"status": broken}))
    word = judged(world, hpa(), ready=3)
    assert (word.text, word.tone) == ("NOT READY", Tone.BAD)
    assert "CrashLoopBackOff" in word.reason


def unready(name: str, age: float) -> Json:
    conditions = [{"type": "Ready", "status": "False", "lastTransitionTime": ago(age)}]
    return pod(
        name,
        {"status": {"conditions": conditions, "containerStatuses": [container(ready=False)]}},
    )


def swing(world: World, sizes: list[int], *, pause: float = 60) -> Any:
    record = None
    for size in sizes:
        record = world.put("hpa", hpa(at(size)))
        world.pass_time(pause)
    assert record is not None
    world.put("deployment", deployment("api", {"status": {"readyReplicas": sizes[-1]}}))
    return world.word(record)


def test_four_reversals_in_half_an_hour_are_flapping() -> None:
    assert swing(World(), [4, 6, 4, 6, 4, 6]).text == "FLAPPING"


def test_three_reversals_are_not_flapping() -> None:
    assert swing(World(), [4, 6, 4, 6, 4]).text != "FLAPPING"


def test_small_swings_are_not_flapping() -> None:
    assert swing(World(), [4, 5, 4, 5, 4, 5]).text != "FLAPPING"


def test_reversals_of_an_hour_are_not_flapping() -> None:
    assert swing(World(), [4, 6, 4, 6, 4, 6], pause=720).text != "FLAPPING"


def test_history_is_bounded_by_the_half_hour() -> None:
    world = World()
    for step in range(200):
        world.put("hpa", hpa(at(4 + step % 2)))
        world.pass_time(60)
    record = world.put("hpa", hpa(at(4)))
    assert len(record.history) <= 32


def test_flapping_is_named_unknown_without_half_an_hour_of_history() -> None:
    world = World(read_for=600)
    record = world.put("hpa", hpa())
    assert "flapping unknown" in world.word(record).reason
    assert world.look.rows("hpa")
    extra = views()["hpa"].extra
    assert extra is not None
    assert any("flapping" in text for text in extra(record, world.look)["notJudged"])
    world.pass_time(1300)
    assert "flapping" not in world.word(record).reason


def test_rules_before_flapping_do_not_doubt_themselves() -> None:
    world = World(read_for=1)
    assert "flapping" not in judged(world, hpa(at(10))).reason


def test_unread_events_are_named_as_not_judged() -> None:
    world = World()
    world.read("event", SourceState.FORBIDDEN, read_for=None)
    record = world.put("hpa", hpa())
    extra = views()["hpa"].extra
    assert extra is not None
    assert any("rescale events" in text for text in extra(record, world.look)["notJudged"])


@pytest.mark.parametrize(
    ("cpu", "proposed"),
    [(70, 5), (77, 5), (78, 6), (63, 5), (62, 5), (55, 4), (140, 10), (141, 11), (350, 25)],
)
def test_demand_is_the_ceiling_beyond_the_tolerance_and_never_clamped(
    cpu: int, proposed: int
) -> None:
    record = World().put("hpa", hpa(cpu=cpu))
    assert record.demand == proposed


def test_the_metric_that_asks_for_most_dominates() -> None:
    pairs = [utilization(90), utilization(280, name="memory")]
    record = World().put(
        "hpa",
        hpa(
            {
                "spec": {"metrics": [spec for spec, _ in pairs]},
                "status": {"currentMetrics": [found for _, found in pairs]},
            }
        ),
    )
    assert record.leading.name == "memory"
    assert record.leading.ratio == 4.0
    assert record.demand == 20


def test_quantities_of_a_pods_metric_are_compared_exactly() -> None:
    goal = {"type": "AverageValue", "averageValue": "100"}
    metric = {"name": "requests_per_second"}
    record = World().put(
        "hpa",
        hpa(
            {
                "spec": {"metrics": [{"type": "Pods", "pods": {"metric": metric, "target": goal}}]},
                "status": {
                    "currentMetrics": [
                        {
                            "type": "Pods",
                            "pods": {"metric": metric, "current": {"averageValue": "120500m"}},
                        }
                    ]
                },
            }
        ),
    )
    assert record.metrics[0].proposed == 7
    assert record.metrics[0].current == "120500m"


def test_without_a_current_value_the_demand_is_unknown_not_zero() -> None:
    record = World().put("hpa", hpa(cpu=None))
    assert record.demand is None
    assert record.metrics[0].current is None


def test_custom_tolerance_is_respected() -> None:
    behavior = {"scaleUp": {"tolerance": "0.5"}}
    record = World().put("hpa", hpa({"spec": {"behavior": behavior}}, cpu=100))
    assert record.demand == 5


def test_minimum_defaults_to_one() -> None:
    assert World().put("hpa", hpa({"spec": {"minReplicas": None}})).min_replicas == 1


def test_off_comes_before_a_rival_autoscaler() -> None:
    world = World()
    world.put("hpa", hpa(name="rival"))
    assert judged(world, hpa(), wanted=0).text == "OFF"


def short_of_pods(world: World) -> None:
    for index in range(4):
        world.put("pod", unready(f"api-7d4-{index}", 900))


def test_at_max_comes_before_pods_that_are_not_ready() -> None:
    world = World()
    short_of_pods(world)
    assert judged(world, hpa(at(10)), ready=5).text == "AT MAX"


def test_flapping_comes_before_scaling_and_after_not_ready() -> None:
    world = World()
    swing(world, [4, 6, 4, 6, 4])
    assert judged(world, hpa(at(6)), ready=5).text == "FLAPPING"
    assert judged(world, hpa(at(6)), ready=2).text == "FLAPPING"
    world.pass_time(121)
    assert judged(world, hpa(at(6)), ready=2).text == "NOT READY"
