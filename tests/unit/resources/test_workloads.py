"""Deployments and StatefulSets: kstatus' rules in their order, and the cause in their pods."""

from typing import Any

import pytest

from console.record import Tone
from console.resources import views
from console.resources.workload import replicas_badge
from tests.unit.resources.world import (
    Json,
    World,
    ago,
    condition,
    container,
    deployment,
    hpa,
    merged,
    meta,
    pod,
)

PROGRESSING = condition("Progressing", "True", "NewReplicaSetAvailable")
AVAILABLE = condition("Available", "True", "MinimumReplicasAvailable")


def status(**fields: Any) -> Json:
    return {"status": fields}


def unavailable(since: float) -> Json:
    return condition("Available", "False", "MinimumReplicasUnavailable", since=since)


DEPLOYMENTS = [
    ("OK", Tone.OK, {}),
    ("TERMINATING", Tone.PROGRESS, {"metadata": {"deletionTimestamp": ago(5)}}),
    ("UNKNOWN", Tone.UNKNOWN, {"status": None}),
    ("PROGRESSING", Tone.PROGRESS, {"metadata": {"generation": 4}}),
    (
        "REPLICA FAILURE",
        Tone.BAD,
        status(conditions=[condition("ReplicaFailure", "True", "FailedCreate", message="quota")]),
    ),
    (
        "STALLED",
        Tone.BAD,
        status(conditions=[condition("Progressing", "False", "ProgressDeadlineExceeded")]),
    ),
    ("PAUSED", Tone.WARN, merged(status(updatedReplicas=2), {"spec": {"paused": True}})),
    ("OK", Tone.OK, {"spec": {"paused": True}}),
    ("PROGRESSING", Tone.PROGRESS, status(replicas=4)),
    ("PROGRESSING", Tone.PROGRESS, status(updatedReplicas=4)),
    ("PROGRESSING", Tone.PROGRESS, status(replicas=6)),
    ("PROGRESSING", Tone.PROGRESS, status(availableReplicas=4)),
    ("PROGRESSING", Tone.PROGRESS, status(readyReplicas=4)),
    (
        "PROGRESSING",
        Tone.PROGRESS,
        status(conditions=[AVAILABLE, condition("Progressing", "True", "ReplicaSetUpdated")]),
    ),
    ("UNAVAILABLE", Tone.BAD, status(conditions=[PROGRESSING, unavailable(61)])),
    ("PROGRESSING", Tone.PROGRESS, status(conditions=[PROGRESSING, unavailable(59)])),
    (
        "OFF",
        Tone.OFF,
        {
            "spec": {"replicas": 0},
            "status": {
                "replicas": None,
                "updatedReplicas": None,
                "readyReplicas": None,
                "availableReplicas": None,
            },
        },
    ),
]


@pytest.mark.parametrize(("text", "tone", "changes"), DEPLOYMENTS)
def test_deployment_state_has_its_word(text: str, tone: Tone, changes: Json) -> None:
    world = World()
    word = world.word(world.put("deployment", deployment("api", changes)))
    assert (word.text, word.tone) == (text, tone)


SHORTFALLS = [
    ("created", status(replicas=4, updatedReplicas=3)),
    ("updated", status(updatedReplicas=4, replicas=6)),
    ("old pods", status(replicas=6, availableReplicas=4)),
    ("available", status(availableReplicas=4, readyReplicas=4)),
    ("pods ready", status(readyReplicas=4)),
]


@pytest.mark.parametrize(("said", "changes"), SHORTFALLS)
def test_the_first_shortfall_in_kstatus_order_is_named(said: str, changes: Json) -> None:
    world = World()
    assert said in world.word(world.put("deployment", deployment("api", changes))).reason


def test_unseen_change_comes_before_an_old_failure() -> None:
    world = World()
    failed = condition("Progressing", "False", "ProgressDeadlineExceeded")
    changes = merged(status(conditions=[failed]), {"metadata": {"generation": 4}})
    assert world.word(world.put("deployment", deployment("api", changes))).text == "PROGRESSING"


def test_without_a_deadline_the_progressing_condition_does_not_count() -> None:
    world = World()
    changes = merged(
        status(conditions=[AVAILABLE]), {"spec": {"progressDeadlineSeconds": 2147483647}}
    )
    assert world.word(world.put("deployment", deployment("api", changes))).text == "OK"


def test_broken_pod_shows_at_once_not_after_the_deadline() -> None:
    world = World()
    waiting = {"reason": "ImagePullBackOff", "message": "no such image"}
    broken = {"status": {"containerStatuses": [container(ready=False, waiting=waiting)]}}
    world.put("pod", pod("api-7d4-x", broken))
    word = world.word(world.put("deployment", deployment("api", status(readyReplicas=4))))
    assert (word.text, word.tone) == ("DEGRADED", Tone.BAD)
    assert "api-7d4-x ImagePullBackOff" in word.reason
    assert "no such image" in word.reason


def test_pods_of_another_workload_are_no_cause() -> None:
    world = World()
    waiting = {"reason": "ImagePullBackOff"}
    broken = {"status": {"containerStatuses": [container(ready=False, waiting=waiting)]}}
    world.put("pod", pod("web-7d4-x", broken, owner="web"))
    word = world.word(world.put("deployment", deployment("api", status(readyReplicas=4))))
    assert word.tone is Tone.PROGRESS


def test_too_few_pods_for_two_minutes_is_a_warning() -> None:
    world = World()
    world.put("deployment", deployment())
    record = world.put("deployment", deployment("api", status(readyReplicas=3)))
    assert world.word(record).tone is Tone.PROGRESS
    world.pass_time(121)
    assert (world.word(record).text, world.word(record).tone) == ("NOT READY", Tone.WARN)


def test_recovery_forgets_since_when_pods_were_missing() -> None:
    world = World()
    world.put("deployment", deployment())
    world.put("deployment", deployment("api", status(readyReplicas=3)))
    world.pass_time(500)
    world.put("deployment", deployment())
    record = world.put("deployment", deployment("api", status(readyReplicas=3)))
    assert world.word(record).tone is Tone.PROGRESS


def test_absent_counts_are_zero_only_once_the_controller_has_reported() -> None:
    world = World()
    told = world.put("deployment", deployment("a", status(readyReplicas=None)))
    untold = world.put("deployment", deployment("b", {"status": None}))
    assert told.ready == 0
    assert untold.ready is None
    assert views()["deployment"].columns[2].text(untold, world.look) == "?/5"


def owned(*managers: tuple[str, float]) -> Json:
    return {
        "metadata": {
            "managedFields": [
                {
                    "manager": name,
                    "operation": "Update",
                    "subresource": "scale",
                    "time": ago(age),
                    "fieldsV1": {"f:spec": {"f:replicas": {}}},
                }
                for name, age in managers
            ]
        }
    }


BADGES = [
    ("HAND-SET", [("kubectl", 60)]),
    ("GIT FIGHT", [("argocd-controller", 600)]),
    ("GIT FIGHT", [("argocd-controller", 600), ("kubectl", 60)]),
    (None, [("kube-controller-manager", 60)]),
    (None, []),
]


@pytest.mark.parametrize(("badge", "managers"), BADGES)
def test_who_sets_replicas_under_an_autoscaler_is_told(
    badge: str | None, managers: list[tuple[str, float]]
) -> None:
    world = World()
    world.put("hpa", hpa())
    record = world.put("deployment", deployment("api", owned(*managers)))
    found = replicas_badge(record, world.look)
    assert (found.text if found else None) == badge
    assert badge is None or managers[0][0] in (found.reason if found else "")


def test_replicas_set_by_hand_without_an_autoscaler_are_nobodys_business() -> None:
    world = World()
    record = world.put("deployment", deployment("api", owned(("kubectl", 60))))
    assert replicas_badge(record, world.look) is None


def test_owner_of_other_fields_does_not_set_replicas() -> None:
    fields: Json = {"f:spec": {"f:template": {}}}
    changes = {"metadata": {"managedFields": [{"manager": "kubectl", "fieldsV1": fields}]}}
    assert World().put("deployment", deployment("api", changes)).set_by == ""


def stateful(changes: Json | None = None) -> Json:
    wire: Json = {
        "metadata": meta("mysql", generation=2),
        "spec": {"replicas": 3, "updateStrategy": {"type": "RollingUpdate"}},
        "status": {
            "observedGeneration": 2,
            "replicas": 3,
            "readyReplicas": 3,
            "currentReplicas": 3,
            "updatedReplicas": 3,
            "currentRevision": "mysql-1",
            "updateRevision": "mysql-1",
        },
    }
    return merged(wire, changes or {})


def member(number: int, *, ready: bool = True, revision: str = "mysql-1") -> Json:
    wire = pod(
        f"mysql-{number}",
        {
            "metadata": {
                "labels": {"controller-revision-hash": revision, "pod-template-hash": None},
                "ownerReferences": [{"kind": "StatefulSet", "name": "mysql", "controller": True}],
            }
        },
    )
    if not ready:
        wire["status"]["conditions"] = [condition("Ready", "False", since=30)]
        wire["status"]["containerStatuses"] = [container(ready=False)]
    return wire


STATEFULSETS = [
    ("OK", Tone.OK, {}),
    ("TERMINATING", Tone.PROGRESS, {"metadata": {"deletionTimestamp": ago(5)}}),
    ("PROGRESSING", Tone.PROGRESS, {"metadata": {"generation": 3}}),
    ("PROGRESSING", Tone.PROGRESS, status(replicas=2)),
    ("PROGRESSING", Tone.PROGRESS, status(readyReplicas=2)),
    ("PROGRESSING", Tone.PROGRESS, status(replicas=4)),
    ("PROGRESSING", Tone.PROGRESS, status(currentReplicas=2)),
    ("PROGRESSING", Tone.PROGRESS, status(updateRevision="mysql-2")),
    (
        "OK",
        Tone.OK,
        {
            "spec": {"updateStrategy": {"rollingUpdate": {"partition": 2}}},
            "status": {"updatedReplicas": 1, "updateRevision": "mysql-2", "currentReplicas": 2},
        },
    ),
    (
        "PROGRESSING",
        Tone.PROGRESS,
        {
            "spec": {"updateStrategy": {"rollingUpdate": {"partition": 1}}},
            "status": {"updatedReplicas": 1, "updateRevision": "mysql-2", "currentReplicas": 2},
        },
    ),
    ("OK", Tone.OK, merged({"spec": {"updateStrategy": {"type": "OnDelete"}}},
                           status(updateRevision="mysql-2", currentReplicas=2))),
]  # fmt: skip


@pytest.mark.parametrize(("text", "tone", "changes"), STATEFULSETS)
def test_statefulset_state_has_its_word(text: str, tone: Tone, changes: Json) -> None:
    world = World()
    word = world.word(world.put("statefulset", stateful(changes)))
    assert (word.text, word.tone) == (text, tone)


def test_on_delete_compares_the_pods_own_revision() -> None:
    world = World()
    for number in range(3):
        world.put("pod", member(number, revision="mysql-2" if number else "mysql-1"))
    changes = {
        "spec": {"updateStrategy": {"type": "OnDelete"}},
        "status": {"updateRevision": "mysql-2"},
    }
    word = world.word(world.put("statefulset", stateful(changes)))
    assert (word.text, word.tone) == ("OUTDATED", Tone.WARN)
    assert word.reason.startswith("1 pods")


def test_statefulset_names_the_lowest_pod_that_is_not_ready() -> None:
    world = World()
    for number in (10, 2, 1):
        world.put("pod", member(number, ready=number == 1))
    word = world.word(world.put("statefulset", stateful(status(readyReplicas=1))))
    assert "waits for mysql-2" in word.reason
