"""Pods: kubectl's status, the cause behind it, and what they ask for."""

from typing import Any

import pytest

from console.record import Tone
from console.resources.pods import obstacles
from tests.unit.resources.world import Json, World, ago, condition, container, merged, meta, pod

BACK_OFF = {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}
OOM = {"exitCode": 137, "reason": "OOMKilled", "finishedAt": ago(120)}


LOOPING = container(ready=False, waiting=BACK_OFF)
PREEMPTION = "preemption: 0/4 nodes are available: 4 Insufficient memory."


def status(**fields: Any) -> Json:
    return {"status": fields}


def not_ready(since: float = 600) -> list[Json]:
    return [condition("PodScheduled", "True"), condition("Ready", "False", since=since)]


def pending(reason: str = "Unschedulable", message: str = "") -> Json:
    found = condition("PodScheduled", "False", reason, message=message)
    return {
        "status": {
            "phase": "Pending",
            "conditions": [found],
            "containerStatuses": None,
        },
        "spec": {"nodeName": None},
    }


def init(*states: Json, specs: list[Json] | None = None) -> Json:
    return {
        "spec": {"initContainers": specs or [{} for _ in states]},
        "status": {
            "phase": "Pending",
            "conditions": not_ready(30),
            "initContainerStatuses": list(states),
            "containerStatuses": [
                container(ready=False, waiting={"reason": "PodInitializing"}),
            ],
        },
    }


def ended(code: int = 0, reason: str = "Completed") -> Json:
    return container(ready=False, terminated={"exitCode": code, "reason": reason})


WORDS = [
    ("Running", Tone.OK, {}),
    ("Completed", Tone.OFF, status(phase="Succeeded", containerStatuses=[ended()])),
    ("Error", Tone.BAD, status(phase="Failed", containerStatuses=[ended(1, "Error")])),
    ("Evicted", Tone.BAD, status(phase="Failed", reason="Evicted", containerStatuses=None)),
    (
        "CrashLoopBackOff",
        Tone.BAD,
        status(
            conditions=not_ready(), containerStatuses=[container(ready=False, waiting=BACK_OFF)]
        ),
    ),
    (
        "ImagePullBackOff",
        Tone.BAD,
        status(
            phase="Pending",
            conditions=not_ready(),
            containerStatuses=[container(ready=False, waiting={"reason": "ImagePullBackOff"})],
        ),
    ),
    (
        "CreateContainerConfigError",
        Tone.BAD,
        status(
            phase="Pending",
            containerStatuses=[
                container(ready=False, waiting={"reason": "CreateContainerConfigError"})
            ],
        ),
    ),
    (
        "OOMKilled",
        Tone.BAD,
        status(conditions=not_ready(), containerStatuses=[container(ready=False, terminated=OOM)]),
    ),
    (
        "ExitCode:3",
        Tone.BAD,
        status(
            conditions=not_ready(),
            containerStatuses=[container(ready=False, terminated={"exitCode": 3})],
        ),
    ),
    ("OOMKilled", Tone.WARN, status(containerStatuses=[container(restarts=1, last=OOM)])),
    (
        "Running",
        Tone.OK,
        status(containerStatuses=[container(restarts=1, last={**OOM, "finishedAt": ago(700)})]),
    ),
    (
        "NotReady",
        Tone.WARN,
        status(conditions=not_ready(61), containerStatuses=[container(ready=False)]),
    ),
    (
        "NotReady",
        Tone.PROGRESS,
        status(conditions=not_ready(59), containerStatuses=[container(ready=False)]),
    ),
    ("NotReady", Tone.WARN, status(conditions=not_ready(61))),
    ("Unschedulable", Tone.BAD, pending(message="0/3 nodes are available: 3 Insufficient cpu.")),
    ("SchedulingGated", Tone.WARN, pending("SchedulingGated")),
    ("Init:0/2", Tone.PROGRESS, init(container(ready=False), container(ready=False))),
    ("Init:1/2", Tone.PROGRESS, init(ended(), container(ready=False))),
    ("Init:CrashLoopBackOff", Tone.BAD, init(container(ready=False, waiting=BACK_OFF))),
    ("Init:Error", Tone.BAD, init(ended(1, "Error"))),
    ("Init:ExitCode:2", Tone.BAD, init(container(ready=False, terminated={"exitCode": 2}))),
    ("Unknown", Tone.UNKNOWN, status(phase="Unknown")),
]


@pytest.mark.parametrize(("text", "tone", "changes"), WORDS)
def test_pod_state_has_its_word(text: str, tone: Tone, changes: Json) -> None:
    world = World()
    age = 30 if text.startswith("Init:") else 3600
    word = world.word(world.put("pod", pod("a", changes, age=age)))
    assert (word.text, word.tone) == (text, tone)


@pytest.mark.parametrize(("age", "tone"), [(14, Tone.PROGRESS), (16, Tone.BAD)])
def test_unschedulable_is_a_fault_after_fifteen_seconds(age: float, tone: Tone) -> None:
    world = World()
    assert world.word(world.put("pod", pod("a", pending(), age=age))).tone is tone


@pytest.mark.parametrize(("age", "tone"), [(299, Tone.PROGRESS), (301, Tone.WARN)])
def test_creating_containers_for_five_minutes_is_a_warning(age: float, tone: Tone) -> None:
    world = World()
    creating = [container(ready=False, waiting={"reason": "ContainerCreating"})]
    wire = pod("a", status(phase="Pending", containerStatuses=creating), age=age)
    word = world.word(world.put("pod", wire))
    assert (word.text, word.tone) == ("ContainerCreating", tone)


def test_crash_loop_names_the_last_exit() -> None:
    world = World()
    looping = [container(ready=False, restarts=7, waiting=BACK_OFF, last=OOM)]
    record = world.put("pod", pod("a", status(containerStatuses=looping)))
    assert "OOMKilled (137) 2m ago" in world.word(record).reason.replace("120s", "2m")


def test_terminating_is_progress_within_its_grace_and_a_minute() -> None:
    world = World()
    record = world.put("pod", pod("a", {"metadata": {"deletionTimestamp": ago(59)}}))
    assert (world.word(record).text, world.word(record).tone) == ("Terminating", Tone.PROGRESS)
    world.pass_time(2)
    assert world.word(record).tone is Tone.BAD


@pytest.mark.parametrize(
    ("node_ready", "finalizers", "cause"),
    [("False", ["x"], "node node-1"), ("True", ["x"], "finalizer"), ("True", [], "volume")],
)
def test_stuck_terminating_names_what_holds_it(
    node_ready: str, finalizers: list[str], cause: str
) -> None:
    world = World()
    world.put(
        "node",
        {
            "metadata": meta("node-1", namespace=""),
            "status": {"conditions": [condition("Ready", node_ready)]},
        },
    )
    changes = {"metadata": {"deletionTimestamp": ago(600), "finalizers": finalizers}}
    assert cause in world.word(world.put("pod", pod("a", changes))).reason


OBSTACLES = [
    ("0/4 nodes are available: 2 Insufficient cpu, 2 Insufficient memory.", {"cpu", "memory"}),
    ("0/4 nodes are available: 4 Too many pods.", {"pods limit"}),
    ("0/4 nodes are available: 4 node(s) had untolerated taint {a: b}.", {"taint"}),
    ("0/4 nodes are available: 4 node(s) didn't match Pod's node affinity/selector.", {"affinity"}),
    (
        "0/4 nodes are available: 4 node(s) didn't match pod topology spread constraints.",
        {"spread"},
    ),
    ("0/4 nodes are available: 1 node(s) had volume node affinity conflict.", {"volume zone"}),
    ("pod has unbound immediate PersistentVolumeClaims.", {"PVC pending"}),
    ('persistentvolumeclaim "data" not found', {"PVC pending"}),
    ("0/4 nodes are available: 4 node(s) didn't have free ports.", {"host port"}),
    ("0/4 nodes are available: 4 node(s) were unschedulable.", {"cordoned"}),
    ("0/4 nodes are available: 4 Insufficient nvidia.com/gpu.", {"extended resource"}),
    ("no nodes available to schedule pods", {"no nodes"}),
    (
        f"0/4 nodes are available: 4 Insufficient cpu. {PREEMPTION}",
        {"cpu"},
    ),
    ("", set()),
]


@pytest.mark.parametrize(("message", "classes"), OBSTACLES)
def test_scheduler_message_is_classified(message: str, classes: set[str]) -> None:
    assert set(obstacles(message)) == classes


def test_counts_sidecars_as_containers_and_their_restarts() -> None:
    sidecar = {"restartPolicy": "Always", "resources": {"requests": {"cpu": "100m"}}}
    changes = {
        "spec": {"initContainers": [sidecar, {}]},
        "status": {
            "initContainerStatuses": [{**container(restarts=2), "started": True}, ended()],
            "conditions": [condition("Initialized", "True"), condition("Ready", "True")],
            "containerStatuses": [container(restarts=1)],
        },
    }
    record = World().put("pod", pod("a", changes))
    assert (record.ready, record.containers, record.restarts) == (2, 2, 3)
    assert record.cpu_milli == 600


def test_effective_request_is_the_larger_of_together_and_the_init_peak() -> None:
    big = {"resources": {"requests": {"cpu": "2", "memory": "512Mi"}}}
    changes = {"spec": {"initContainers": [big], "overhead": {"cpu": "50m"}}}
    record = World().put("pod", pod("a", changes))
    assert record.cpu_milli == 2050
    assert record.memory_bytes == 2**30


def test_pod_level_request_overrides_the_containers() -> None:
    changes = {"spec": {"resources": {"requests": {"cpu": "3"}}}}
    assert World().put("pod", pod("a", changes)).cpu_milli == 3000


def test_owner_is_the_deployment_behind_the_replica_set() -> None:
    record = World().put("pod", pod("api-7d4-x"))
    assert (record.owner_kind, record.owner_name, record.revision) == ("Deployment", "api", "7d4")


def test_owner_stays_a_replica_set_when_its_name_tells_no_deployment() -> None:
    owner = {"kind": "ReplicaSet", "name": "lonely", "controller": True}
    record = World().put("pod", pod("a", {"metadata": {"ownerReferences": [owner]}}))
    assert (record.owner_kind, record.owner_name) == ("ReplicaSet", "lonely")


def test_equal_label_sets_are_one_dict() -> None:
    world = World()
    first, second = world.put("pod", pod("a")), world.put("pod", pod("b"))
    assert first.labels is second.labels
    other = world.put("pod", pod("c", {"metadata": {"labels": {"app": "web"}}}))
    assert other.labels["app"] == "web"


def test_pod_without_status_is_unknown_not_ready() -> None:
    world = World()
    wire = merged(pod("a"), {"status": None, "spec": None})
    record = world.put("pod", wire)
    assert record.is_ready is None
    assert world.word(record).tone is Tone.UNKNOWN
