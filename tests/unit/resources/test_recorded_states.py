"""Our words against states that real controllers wrote; the oracle reads raw JSON only."""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from console.clock import parse_time
from console.record import Tone, Word
from console.resources import views
from tests.unit.resources.world import Json, World

FOLDER = Path(__file__).parents[2] / "fixtures" / "states"
QUIET = {"OK", "AT MIN", "FIXED", "HOLDING"}
Oracle = Callable[[Json, Json, Word], Iterator[str]]


def states(name: str) -> list[Json]:
    with gzip.open(FOLDER / f"{name}.json.gz") as file:
        found: list[Json] = json.load(file)["states"]
    return found


def judge(kind: str, state: Json) -> Word:
    world = World()
    world.clock.moment = parse_time(state["capturedAt"]) or 0.0
    for view in views().values():
        if view.source is not None:
            world.read(view.kind)
    target = state.get("target") or {}
    if target.get("kind") in ("Deployment", "StatefulSet"):
        world.put(target["kind"].lower(), target)
    meta = state["object"]["metadata"]
    about = {"kind": state["object"].get("kind"), "namespace": meta.get("namespace", "")}
    for number, event in enumerate(state.get("events") or ()):
        named = {"metadata": {"name": str(number), "namespace": about["namespace"]}}
        world.put("event", {**event, **named, "involvedObject": {**about, "name": meta["name"]}})
    return world.word(world.put(kind, state["object"]))


def conditions(obj: Json) -> dict[str, tuple[str, str]]:
    found = obj.get("status", {}).get("conditions") or ()
    return {one["type"]: (one["status"], one.get("reason", "")) for one in found}


def must(holds: bool, claim: str) -> Iterator[str]:
    if not holds:
        yield claim


def hpa_contradictions(obj: Json, state: Json, word: Word) -> Iterator[str]:
    told, spec, status = conditions(obj), obj["spec"], obj.get("status", {})
    able, active = told.get("AbleToScale", ("", "")), told.get("ScalingActive", ("", ""))
    limited, text = told.get("ScalingLimited", ("", "")), word.text
    now, high, low = (
        status.get("currentReplicas", 0),
        spec["maxReplicas"],
        spec.get("minReplicas", 1),
    )
    off = (state.get("target") or {}).get("spec", {}).get("replicas") == 0
    refused = any(event.get("reason") == "FailedRescale" for event in state.get("events") or ())
    works = able[0] == "True" and active[0] == "True" and not off and not refused
    yield from must((text == "UNKNOWN") == (not told), "unknown means no conditions")
    yield from must((text == "NO TARGET") == (able[1] == "FailedGetScale"), "no target")
    if able[1] == "FailedUpdateScale":
        yield from must(text == "CANNOT WRITE", "the controller cannot write")
    if text == "CANNOT WRITE":
        yield from must(able[1] == "FailedUpdateScale" or refused, "nothing was refused")
    if able[0] == "True" and active[0] == "False" and not off and not refused:
        expected = {"ScalingDisabled": "OFF", "AmbiguousSelector": "AMBIGUOUS"}
        yield from must(text == expected.get(active[1], "NO METRICS"), f"inactive: {active[1]}")
    if text in QUIET or word.tone is Tone.OK:
        yield from must(works, "it does not work")
        yield from must(limited[1] != "TooManyReplicas" or now != high, "it is pinned")
        yield from must(low <= now <= high, "it is out of range")
    pinned = limited == ("True", "TooManyReplicas") and now == high
    if works:
        yield from must((text == "PINNED MAX") == pinned, "pinned")
    exact = {"AT MAX": now == high, "AT MIN": now == low or limited[1] == "TooFewReplicas"}
    exact |= {"OUT OF RANGE": not low <= now <= high, "FIXED": low == high}
    exact |= {"RATE LIMITED": limited[1] in ("ScaleUpLimit", "ScaleDownLimit")}
    exact |= {"HOLDING": able[1].endswith("Stabilized"), "OFF": off or now == 0}
    yield from must(exact.get(text, True), f"{text} at {now} of {low} to {high}")


def deployment_contradictions(obj: Json, _: Json, word: Word) -> Iterator[str]:
    told, spec, status = conditions(obj), obj["spec"], obj.get("status", {})
    seen = status.get("observedGeneration") == obj["metadata"].get("generation")
    available, progressing = told.get("Available", ("", "")), told.get("Progressing", ("", ""))
    if word.tone is Tone.OK:
        yield from must(seen, "the controller has not seen this generation")
        yield from must(available[0] == "True", "it is not available")
        yield from must(status.get("readyReplicas", 0) == spec["replicas"], "pods are not ready")
        yield from must(status.get("updatedReplicas", 0) == spec["replicas"], "pods are old")
    if seen and told.get("ReplicaFailure", ("",))[0] == "True":
        yield from must(word.tone is Tone.BAD, "its pods are refused")
    if seen and progressing[1] == "ProgressDeadlineExceeded":
        yield from must(word.tone is Tone.BAD, "its deadline is over")
    if word.text in ("UNAVAILABLE", "REPLICA FAILURE"):
        yield from must(available[0] == "False", "it is available")
    yield from must((word.text == "OFF") <= (spec["replicas"] == 0), "pods are wanted")


def statefulset_contradictions(obj: Json, _: Json, word: Word) -> Iterator[str]:
    spec, status = obj["spec"], obj.get("status", {})
    if word.tone is Tone.OK:
        yield from must(status.get("readyReplicas", 0) == spec["replicas"], "pods are not ready")
        yield from must(status.get("replicas", 0) == spec["replicas"], "pods are missing")
        partition = spec["updateStrategy"].get("rollingUpdate", {}).get("partition", 0)
        current = status.get("currentRevision") == status.get("updateRevision")
        rolling = spec["updateStrategy"]["type"] == "RollingUpdate"
        yield from must(current or bool(partition) or not rolling, "pods are old")


def pod_contradictions(obj: Json, _: Json, word: Word) -> Iterator[str]:
    ready, status = conditions(obj).get("Ready", ("", "")), obj.get("status", {})
    going = "deletionTimestamp" in obj["metadata"]
    if word.tone is Tone.OK:
        yield from must(ready[0] == "True" and status["phase"] == "Running", "it is not ready")
        yield from must(not going, "it is going")
    yield from must((status.get("phase") == "Failed") <= (word.tone is Tone.BAD), "it failed")
    if going and status.get("phase") not in ("Failed", "Succeeded"):
        yield from must(word.text == "Terminating", "it is going")
        return
    for one in status.get("containerStatuses") or ():
        reason = (one.get("state", {}).get("waiting") or {}).get("reason", "")
        if reason.endswith(("BackOff", "Error")) or reason.startswith("Err"):
            yield from must(word.tone is Tone.BAD, f"a container waits: {reason}")


def node_contradictions(obj: Json, _: Json, word: Word) -> Iterator[str]:
    told = conditions(obj)
    ready = told.get("Ready", ("", ""))[0]
    pressed = any(kind.endswith("Pressure") and one[0] == "True" for kind, one in told.items())
    yield from must((word.text == "NOT READY") == (ready == "False"), "Ready is False")
    yield from must((word.text == "UNREACHABLE") == (ready == "Unknown"), "Ready is Unknown")
    if ready == "True":
        yield from must((word.text == "PRESSURE") == pressed, "pressure")
    if word.text in ("OK", "NEW"):
        yield from must(not obj["spec"].get("unschedulable"), "it is cordoned")
        yield from must(told.get("NetworkUnavailable", ("",))[0] != "True", "no network")


KINDS: list[tuple[str, str, Oracle, int, int]] = [
    # file, kind, oracle, at least so many states, at least so many different words
    ("hpa", "hpa", hpa_contradictions, 300, 12),
    ("deployments", "deployment", deployment_contradictions, 100, 7),
    ("statefulsets", "statefulset", statefulset_contradictions, 50, 3),
    ("pods", "pod", pod_contradictions, 100, 15),
    ("nodes", "node", node_contradictions, 50, 7),
]


@pytest.mark.parametrize(
    ("name", "kind", "oracle", "least", "words"), KINDS, ids=[row[0] for row in KINDS]
)
def test_no_word_contradicts_what_the_controller_wrote(
    name: str, kind: str, oracle: Oracle, least: int, words: int
) -> None:
    found = states(name)
    seen: Counter[str] = Counter()
    wrong: list[Any] = []
    for state in found:
        word = judge(kind, state)
        seen[word.text] += 1
        claims = list(oracle(state["object"], state, word))
        wrong += [(state["scenario"], word.text, claim) for claim in claims]
    assert wrong == []
    assert len(found) >= least
    assert len(seen) >= words, seen


def test_the_oracle_catches_a_wrong_word() -> None:
    lie = Word("OK", Tone.OK)
    caught = [
        any(oracle(state["object"], state, lie))
        for name, _, oracle, _, _ in KINDS
        for state in states(name)
    ]
    assert sum(caught) > len(caught) / 2
