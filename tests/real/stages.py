"""kwok stages of our own: pods and nodes that are in trouble, chosen by an annotation."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import yaml

from tests.real.api import Object, read_yaml
from tests.real.servers import KWOK

POD_FAULT = "shifu.test/pod"
NODE_FAULT = "shifu.test/node"
HEALTHY = "none"
_REASONS = ".status.conditions.[].reason"


class PodFault(msgspec.Struct, frozen=True, kw_only=True):
    """What a kubelet would report of every container of a pod."""

    phase: str = "Running"
    state: Mapping[str, Mapping[str, object]]
    last: Mapping[str, Mapping[str, object]] | None = None
    restarts: int = 0
    ready: bool = False
    reason: str = ""
    message: str = ""
    in_init: bool = False


class NodeFault(msgspec.Struct, frozen=True, kw_only=True):
    """The conditions of a node that differ from a healthy one's."""

    conditions: Mapping[str, tuple[str, str, str]]


# Times in templates: the moment the stage is played.
_NOW = "@now@"
_POD_ADDRESS = (
    "podIP: {{ PodIPWith .spec.nodeName false"
    ' ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) | Quote }}'
)
_RUNNING: Mapping[str, Mapping[str, object]] = {"running": {"startedAt": _NOW}}
_BACK_OFF = {
    "waiting": {
        "reason": "CrashLoopBackOff",
        "message": "back-off 5m0s restarting failed container",
    }
}


def _ended(code: int, reason: str) -> Mapping[str, Mapping[str, object]]:
    times = {"startedAt": _NOW, "finishedAt": _NOW}
    return {"terminated": {"exitCode": code, "reason": reason} | times}


def _waiting(reason: str, message: str = "") -> Mapping[str, Mapping[str, object]]:
    return {"waiting": {"reason": reason} | ({"message": message} if message else {})}


POD_FAULTS: Mapping[str, PodFault] = {
    "crash-loop": PodFault(state=_BACK_OFF, last=_ended(1, "Error"), restarts=7),
    "out-of-memory": PodFault(state=_BACK_OFF, last=_ended(137, "OOMKilled"), restarts=4),
    "restarted": PodFault(state=_RUNNING, last=_ended(137, "OOMKilled"), restarts=3, ready=True),
    "unready": PodFault(state=_RUNNING),
    "creating": PodFault(phase="Pending", state=_waiting("ContainerCreating")),
    "image-pull": PodFault(
        phase="Pending",
        state=_waiting("ImagePullBackOff", 'Back-off pulling image "ai-shifu-api:gone"'),
    ),
    "image-error": PodFault(
        phase="Pending", state=_waiting("ErrImagePull", "manifest unknown: manifest unknown")
    ),
    "image-name": PodFault(phase="Pending", state=_waiting("InvalidImageName", "bad reference")),
    "config-error": PodFault(
        phase="Pending",
        state=_waiting("CreateContainerConfigError", 'secret "database-credentials" not found'),
    ),
    "run-error": PodFault(
        phase="Running",
        state=_waiting("RunContainerError", "failed to start container"),
        last=_ended(128, "StartError"),
        restarts=2,
    ),
    "init-crash": PodFault(
        phase="Pending", state=_BACK_OFF, last=_ended(1, "Error"), restarts=5, in_init=True
    ),
    "init-running": PodFault(phase="Pending", state=_RUNNING, in_init=True),
    "failed": PodFault(phase="Failed", state=_ended(2, "Error")),
    "evicted": PodFault(
        phase="Failed",
        state=_ended(137, "ContainerStatusUnknown"),
        reason="Evicted",
        message="The node was low on resource: memory.",
    ),
    "completed": PodFault(phase="Succeeded", state=_ended(0, "Completed")),
}
NODE_FAULTS: Mapping[str, NodeFault] = {
    "not-ready": NodeFault(
        conditions={"Ready": ("False", "KubeletNotReady", "container runtime is down")}
    ),
    "memory-pressure": NodeFault(
        conditions={"MemoryPressure": ("True", "KubeletHasInsufficientMemory", "memory is low")}
    ),
    "disk-pressure": NodeFault(
        conditions={"DiskPressure": ("True", "KubeletHasDiskPressure", "disk is full")}
    ),
    "pid-pressure": NodeFault(
        conditions={"PIDPressure": ("True", "KubeletHasInsufficientPID", "no process ids left")}
    ),
    "network-unavailable": NodeFault(
        conditions={"NetworkUnavailable": ("True", "NoRouteCreated", "no route to the node")}
    ),
}


def write(file: Path) -> Path:
    """Write the stages and the usage rule as kwok's configuration."""
    items = [
        *(_pod_stage(name, fault) for name, fault in POD_FAULTS.items()),
        *(_node_stage(name, fault) for name, fault in NODE_FAULTS.items()),
        _node_initialize(),
        _node_recovery(),
        _usage(),
    ]
    file.write_text(yaml.safe_dump_all(items, sort_keys=False))
    return file


def _pod_stage(name: str, fault: PodFault) -> Object:
    selector = [
        _is(f'.metadata.annotations["{POD_FAULT}"]', name),
        {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"},
        # kwok gives an address with the first status: each pod is put in its state once.
        {"key": ".status.podIP", "operator": "DoesNotExist"},
    ]
    return _stage("Pod", f"pod-{name}", selector, {"statusTemplate": _pod_status(fault)})


def _pod_status(fault: PodFault) -> str:
    waiting = {"waiting": {"reason": "PodInitializing"}}
    own = _containers(".spec.containers", fault)
    held = _containers(".spec.containers", PodFault(state=waiting))
    status = [
        "{{ $now := Now }}",
        f"phase: {fault.phase}",
        *([f"reason: {fault.reason}"] if fault.reason else []),
        *([f"message: {fault.message!r}"] if fault.message else []),
        "startTime: {{ $now | Quote }}",
        "hostIP: {{ NodeIPWith .spec.nodeName | Quote }}",
        _POD_ADDRESS,
        "conditions:",
        *_condition("Initialized", not fault.in_init, "ContainersNotInitialized"),
        *_condition("Ready", fault.ready, _unready(fault)),
        *_condition("ContainersReady", fault.ready, _unready(fault)),
        "containerStatuses:",
        *(held if fault.in_init else own),
    ]
    if fault.in_init:
        status += ["initContainerStatuses:", *_containers(".spec.initContainers", fault)]
    return "\n".join(status) + "\n"


def _unready(fault: PodFault) -> str:
    return "PodFailed" if fault.phase == "Failed" else "ContainersNotReady"


def _condition(kind: str, holds: bool, reason: str) -> list[str]:
    lines = [
        f"- type: {kind}",
        f'  status: "{holds}"',
        "  lastTransitionTime: {{ $now | Quote }}",
    ]
    return lines if holds else [*lines, f"  reason: {reason}"]


def _containers(source: str, fault: PodFault) -> list[str]:
    started = "running" in fault.state
    return [
        f"{{{{ range {source} }}}}",
        "- name: {{ .name | Quote }}",
        "  image: {{ .image | Quote }}",
        f"  ready: {str(fault.ready).lower()}",
        f"  started: {str(started).lower()}",
        f"  restartCount: {fault.restarts}",
        f"  state: {_flow(fault.state)}",
        *([f"  lastState: {_flow(fault.last)}"] if fault.last else []),
        "{{ end }}",
    ]


def _flow(state: Mapping[str, Mapping[str, object]]) -> str:
    text = yaml.safe_dump(
        {name: dict(fields) for name, fields in state.items()},
        default_flow_style=True,
        width=10_000,
    ).strip()
    return text.replace(f"'{_NOW}'", "{{ $now | Quote }}")


def _node_stage(name: str, fault: NodeFault) -> Object:
    reasons = [reason for _, reason, _ in fault.conditions.values()]
    selector = [
        _is(f'.metadata.annotations["{NODE_FAULT}"]', name),
        _is(".status.phase", "Running"),
        {"key": _REASONS, "operator": "NotIn", "values": reasons},
    ]
    return _stage("Node", f"node-{name}", selector, {"statusTemplate": _conditions(fault)})


def _node_recovery() -> Object:
    faults = NODE_FAULTS.values()
    reasons = [reason for fault in faults for _, reason, _ in fault.conditions.values()]
    selector = [
        _is(f'.metadata.annotations["{NODE_FAULT}"]', HEALTHY),
        {"key": _REASONS, "operator": "In", "values": reasons},
    ]
    healthy = NodeFault(conditions={})
    return _stage("Node", "node-recovery", selector, {"statusTemplate": _conditions(healthy)})


def _node_initialize() -> Object:
    """Return kwok's own stage, played once: as it stands it brings every unready node back."""
    (stage,) = [item for file in KWOK.files("node-initialize") for item in read_yaml(file)]
    selector = [{"key": ".status.phase", "operator": "NotIn", "values": ["Running"]}]
    stage["spec"]["selector"] = {"matchExpressions": selector}
    return stage


def _conditions(fault: NodeFault) -> str:
    lines = ["{{ $now := Now }}", "conditions:", "{{ range NodeConditions }}"]
    branch = "if"
    for kind, (status, reason, message) in fault.conditions.items():
        lines += [f'{{{{ {branch} eq .type "{kind}" }}}}']
        lines += _node_condition(status, reason, message)
        branch = "else if"
    healthy = _node_condition("{{ .status }}", "{{ .reason }}", "{{ .message }}")
    lines += ["{{ else }}", *healthy, "{{ end }}"] if fault.conditions else healthy
    return "\n".join([*lines, "{{ end }}"]) + "\n"


def _node_condition(status: str, reason: str, message: str) -> list[str]:
    return [
        "- type: {{ .type | Quote }}",
        f'  status: "{status}"',
        f'  reason: "{reason}"',
        f'  message: "{message}"',
        "  lastHeartbeatTime: {{ $now | Quote }}",
        "  lastTransitionTime: {{ $now | Quote }}",
    ]


def _stage(kind: str, name: str, selector: list[Object], following: Object) -> Object:
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": kind},
            "selector": {"matchExpressions": selector},
            # Heavier than kwok's own stages, which carry no weight.
            "weight": 10_000,
            "next": following,
        },
    }


def _is(key: str, value: str) -> Object:
    return {"key": key, "operator": "In", "values": [value]}


def _usage() -> Object:
    def from_annotation(resource: str, otherwise: str) -> Object:
        name = f"kwok.x-k8s.io/usage-{resource}"
        return {
            "expression": f'"{name}" in pod.metadata.annotations'
            f' ? Quantity(pod.metadata.annotations["{name}"])'
            f' : Quantity("{otherwise}")'
        }

    usage = {"cpu": from_annotation("cpu", "1m"), "memory": from_annotation("memory", "64Mi")}
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "ClusterResourceUsage",
        "metadata": {"name": "usage-from-annotation"},
        "spec": {"usages": [{"usage": usage}]},
    }
