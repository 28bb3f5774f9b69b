"""The recorded states cover what real controllers write."""

from tests.real import recording
from tests.real.api import Object
from tests.real.stages import NODE_FAULTS, POD_FAULTS

# Every reason of domain-kube.md §3.1 but FailedUpdateStatus and InvalidMetricSourceType, which
# the API server does not let happen.
_REASONS = {
    "AbleToScale": {
        "SucceededGetScale",
        "SucceededRescale",
        "ReadyForNewScale",
        "ScaleDownStabilized",
        "ScaleUpStabilized",
        "FailedGetScale",
        "FailedUpdateScale",
    },
    "ScalingActive": {
        "ValidMetricFound",
        "FailedGetResourceMetric",
        "FailedGetContainerResourceMetric",
        "FailedGetPodsMetric",
        "FailedGetObjectMetric",
        "FailedGetExternalMetric",
        "InvalidSelector",
        "AmbiguousSelector",
        "ScalingDisabled",
    },
    "ScalingLimited": {
        "TooManyReplicas",
        "TooFewReplicas",
        "ScaleUpLimit",
        "ScaleDownLimit",
        "DesiredWithinRange",
    },
}


def _conditions(kind: str) -> list[Object]:
    states = recording.read(kind)
    return [one for state in states for one in state["object"]["status"].get("conditions") or []]


def test_three_hundred_autoscaler_states_are_distinct() -> None:
    assert recording.distinct(recording.read("hpa")) >= 300


def test_every_reason_of_the_autoscaler_is_recorded() -> None:
    found: dict[str, set[str]] = {kind: set() for kind in _REASONS}
    for condition in _conditions("hpa"):
        found[condition["type"]].add(condition["reason"])
    assert found == _REASONS


def test_refused_rescales_stand_among_the_events() -> None:
    events = [event for state in recording.read("hpa") for event in state["events"]]
    reasons = {event["reason"] for event in events}
    assert {"FailedRescale", "SuccessfulRescale", "FailedGetScale"} <= reasons


def test_every_node_fault_is_recorded_and_silence_too() -> None:
    seen = {(one["type"], one["status"]) for one in _conditions("nodes")}
    faults = {
        (kind, values[0])
        for fault in NODE_FAULTS.values()
        for kind, values in fault.conditions.items()
    }
    assert faults | {("Ready", "Unknown"), ("Ready", "True")} <= seen


def test_every_pod_fault_is_recorded() -> None:
    annotations = [
        state["object"]["metadata"].get("annotations", {}) for state in recording.read("pods")
    ]
    assert set(POD_FAULTS) <= {one.get("shifu.test/pod") for one in annotations}


def test_deployments_are_recorded_stuck_paused_and_refused() -> None:
    reasons = {one.get("reason") for one in _conditions("deployments")}
    assert {"ProgressDeadlineExceeded", "DeploymentPaused", "FailedCreate"} <= reasons


def test_who_set_replicas_by_hand_is_kept() -> None:
    managers = {
        entry["manager"]
        for state in recording.read("deployments")
        for entry in state["object"]["metadata"].get("managedFields", [])
    }
    assert {"kubectl", "argocd-controller", "kube-controller-manager"} <= managers


def test_recordings_stay_small() -> None:
    assert sum(file.stat().st_size for file in recording.FOLDER.glob("*.gz")) < 1_000_000
