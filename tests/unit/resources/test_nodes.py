"""Nodes and node groups: their words, their group, their room."""

from typing import Any

import pytest

from console.record import Key, Tone
from console.resources import views
from tests.unit.resources.world import CLUSTER, Json, World, condition, merged, meta, pod

READY = condition("Ready", "True", "KubeletReady")


def node(name: str = "node-1", changes: Json | None = None, *, age: float = 86400) -> Json:
    wire: Json = {
        "metadata": meta(
            name,
            namespace="",
            age=age,
            labels={
                "eks.amazonaws.com/nodegroup": "app",
                "topology.kubernetes.io/zone": "us-west-2a",
                "node.kubernetes.io/instance-type": "c5.2xlarge",
            },
        ),
        "status": {
            "conditions": [READY],
            "allocatable": {"cpu": "7910m", "memory": "14Gi", "pods": "58"},
            "nodeInfo": {"kubeletVersion": "v1.34.2"},
        },
    }
    return merged(wire, changes or {})


def conditions(*found: Json) -> Json:
    return {"status": {"conditions": list(found)}}


def tainted(key: str) -> Json:
    return {"spec": {"taints": [{"key": key, "effect": "NoSchedule"}]}}


CORDONED: Json = {"spec": {"unschedulable": True}}
PRESSURE = condition("MemoryPressure", "True")
NETWORK = condition("NetworkUnavailable", "True")
SPOT = tainted("aws-node-termination-handler/spot-itn")
DRAIN: Json = {"metadata": {"annotations": {"ai-shifu.io/drain": "run-1"}}}

WORDS = [
    ("OK", Tone.OK, {}),
    ("NOT READY", Tone.BAD, conditions(condition("Ready", "False"))),
    ("UNREACHABLE", Tone.BAD, conditions(condition("Ready", "Unknown"))),
    ("PRESSURE", Tone.BAD, conditions(READY, PRESSURE)),
    ("PRESSURE", Tone.BAD, conditions(READY, condition("DiskPressure", "True"))),
    ("OK", Tone.OK, conditions(READY, condition("DiskPressure", "False"))),
    ("NETWORK", Tone.BAD, conditions(READY, NETWORK)),
    ("SPOT NOTICE", Tone.WARN, SPOT),
    ("DRAINING", Tone.PROGRESS, DRAIN),
    ("DRAINING", Tone.PROGRESS, tainted("karpenter.sh/disrupted")),
    ("CORDONED", Tone.WARN, CORDONED),
    ("OK", Tone.OK, tainted("dedicated")),
    ("UNKNOWN", Tone.UNKNOWN, conditions()),
]
ORDER = [
    ("NOT READY", merged(conditions(condition("Ready", "False"), PRESSURE), CORDONED)),
    ("UNREACHABLE", merged(conditions(condition("Ready", "Unknown"), PRESSURE), CORDONED)),
    ("PRESSURE", merged(conditions(READY, PRESSURE, NETWORK), SPOT)),
    ("NETWORK", merged(conditions(READY, NETWORK), SPOT)),
    ("SPOT NOTICE", merged(SPOT, DRAIN)),
    ("DRAINING", merged(DRAIN, CORDONED)),
]


@pytest.mark.parametrize(("text", "tone", "changes"), WORDS)
def test_node_state_has_its_word(text: str, tone: Tone, changes: Json) -> None:
    world = World()
    word = world.word(world.put("node", node(changes=changes)))
    assert (word.text, word.tone) == (text, tone)


@pytest.mark.parametrize(("text", "changes"), ORDER)
def test_the_earlier_node_rule_wins(text: str, changes: Json) -> None:
    world = World()
    assert world.word(world.put("node", node(changes=changes))).text == text


@pytest.mark.parametrize(("age", "text"), [(299, "NEW"), (301, "OK")])
def test_node_is_new_for_five_minutes(age: float, text: str) -> None:
    world = World()
    assert world.word(world.put("node", node(age=age))).text == text


def test_cordoned_comes_before_new() -> None:
    world = World()
    assert world.word(world.put("node", node(changes=CORDONED, age=10))).text == "CORDONED"


GROUPS = [
    ("app", "eks", {}),
    (
        "spot-pool",
        "karpenter",
        {"eks.amazonaws.com/nodegroup": None, "karpenter.sh/nodepool": "spot-pool"},
    ),
    ("database", "unmanaged", {"eks.amazonaws.com/nodegroup": None, "role": "database"}),
    ("", "", {"eks.amazonaws.com/nodegroup": None}),
    ("app", "eks", {"karpenter.sh/nodepool": "other", "role": "other"}),
]


@pytest.mark.parametrize(("group", "kind", "labels"), GROUPS)
def test_group_comes_from_the_first_label_that_names_one(
    group: str, kind: str, labels: Json
) -> None:
    record = World().put("node", node(changes={"metadata": {"labels": labels}}))
    assert (record.group, record.group_kind) == (group, kind)


def test_requests_of_pods_that_are_over_take_no_room() -> None:
    world = World()
    record = world.put("node", node())
    world.put("pod", pod("a"))
    world.put("pod", pod("b", {"status": {"phase": "Succeeded"}}))
    world.put("pod", pod("c", {"spec": {"nodeName": "node-2"}}))
    extra = views()["node"].extra
    assert extra is not None
    assert extra(record, world.look) == {
        "pods": 1,
        "cpuRequestedMilli": 500,
        "memoryRequestedBytes": 2**30,
    }


def test_room_is_unknown_while_pods_are_not_read() -> None:
    world = World()
    record = world.put("node", node())
    world.read("pod", read_for=None)
    extra = views()["node"].extra
    assert extra is not None
    assert extra(record, world.look)["pods"] is None
    texts = [column.text(record, world.look) for column in views()["node"].columns]
    assert "?/58" in texts
    assert "?" in texts


def group(world: World, name: str = "app") -> Any:
    found = {record.key: record for record in views()["nodegroup"].records(world.look)}
    return found[Key(CLUSTER, "nodegroup", "", name)]


def zone(letter: str) -> Json:
    return {"metadata": {"labels": {"topology.kubernetes.io/zone": f"us-west-2{letter}"}}}


def spread(world: World, letters: str) -> Any:
    for index, letter in enumerate(letters):
        world.put("node", node(f"node-{index}", zone(letter)))
    return group(world)


@pytest.mark.parametrize(
    ("letters", "text"),
    [("abc", "OK"), ("aab", "OK"), ("aaab", "AZ SKEW"), ("aaa", "OK"), ("aabbcc", "OK")],
)
def test_group_is_skewed_when_zones_differ_by_two_and_a_fifth(letters: str, text: str) -> None:
    world = World()
    record = spread(world, letters)
    assert views()["nodegroup"].word(record, world.look).text == text


def test_difference_of_two_in_a_large_group_is_no_skew() -> None:
    world = World()
    record = spread(world, "a" * 12 + "b" * 10)
    assert views()["nodegroup"].word(record, world.look).text == "OK"


def test_group_with_a_node_not_ready_is_short() -> None:
    world = World()
    world.put("node", node("node-1"))
    world.put("node", node("node-2", conditions(condition("Ready", "False"))))
    word = views()["nodegroup"].word(group(world), world.look)
    assert word.text == "SHORT"
    assert "1 of 2" in word.reason


def test_group_with_a_spot_notice_is_at_risk() -> None:
    world = World()
    world.put("node", node("node-1", SPOT))
    assert views()["nodegroup"].word(group(world), world.look).text == "SPOT RISK"


def test_what_only_the_cloud_knows_is_unknown() -> None:
    world = World()
    world.put("node", node())
    record = group(world)
    assert (record.desired, record.minimum, record.maximum) == (None, None, None)
    assert "cloud" in views()["nodegroup"].word(record, world.look).reason


def test_allocatable_of_a_group_is_unknown_when_one_node_does_not_tell() -> None:
    world = World()
    world.put("node", node("node-1"))
    world.put("node", node("node-2", {"status": {"allocatable": None}}))
    assert group(world).cpu_milli is None
