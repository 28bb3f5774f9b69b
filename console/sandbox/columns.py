"""What `kubectl get` shows of each kind: the Table columns."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from console.sandbox.objects import Obj, condition, dig


class Column(msgspec.Struct, frozen=True):
    """One column: its title, how to read the cell, its type, and 1 when only `-o wide` shows it."""

    name: str
    cell: Callable[[Obj], Any]
    type: str = "string"
    priority: int = 0


def age(obj: Obj) -> str:
    """Write an object's age as kubectl does."""
    return _since(obj["metadata"].get("creationTimestamp"))


def _since(moment: str | None) -> str:
    if not moment:
        return "<unknown>"
    gone = int((datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds())
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "m"), (172800, 3600, "h")):
        if gone < limit:
            return f"{max(gone, 0) // size}{unit}"
    return f"{gone // 86400}d"


def field(*path: str, empty: Any = "<none>") -> Callable[[Obj], Any]:
    """Read a cell straight from a field."""

    def cell(obj: Obj) -> Any:
        found = dig(obj, *path)
        return empty if found is None or found == "" else found

    return cell


def _ready(*wanted: str) -> Callable[[Obj], str]:
    return lambda obj: f"{dig(obj, 'status', 'readyReplicas') or 0}/{dig(obj, *wanted) or 0}"


def _pod_ready(pod: Obj) -> str:
    found = dig(pod, "status", "containerStatuses") or []
    return f"{sum(bool(one.get('ready')) for one in found)}/{len(pod['spec']['containers'])}"


def _pod_status(pod: Obj) -> str:
    for found in dig(pod, "status", "containerStatuses") or ():
        for state in ("waiting", "terminated"):
            if reason := dig(found, "state", state, "reason"):
                return "Terminating" if pod["metadata"].get("deletionTimestamp") else str(reason)
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return str(dig(pod, "status", "reason") or dig(pod, "status", "phase") or "Unknown")


def _restarts(pod: Obj) -> str:
    return str(sum(x.get("restartCount", 0) for x in dig(pod, "status", "containerStatuses") or ()))


def _node_status(node: Obj) -> str:
    ready = condition(node, "Ready") or {}
    words = {"True": "Ready", "False": "NotReady"}
    word = words.get(ready.get("status", ""), "NotReady")
    return word + (",SchedulingDisabled" if dig(node, "spec", "unschedulable") else "")


def _targets(hpa: Obj) -> str:
    current = {
        dig(metric, "resource", "name"): metric
        for metric in dig(hpa, "status", "currentMetrics") or ()
    }
    texts = []
    for metric in dig(hpa, "spec", "metrics") or ():
        name = dig(metric, "resource", "name")
        seen = dig(current.get(name), "resource", "current", "averageUtilization")
        wanted = dig(metric, "resource", "target", "averageUtilization")
        texts.append(f"{name}: {'<unknown>' if seen is None else f'{seen}%'}/{wanted}%")
    return ", ".join(texts) or "<none>"


def _joined(*path: str) -> Callable[[Obj], str]:
    def cell(obj: Obj) -> str:
        found = dig(obj, *path) or {}
        return ",".join(f"{key}={value}" for key, value in found.items()) or "<none>"

    return cell


def _containers(part: str) -> Callable[[Obj], str]:
    def cell(obj: Obj) -> str:
        return ",".join(one[part] for one in dig(obj, "spec", "template", "spec", "containers"))

    return cell


def _ports(service: Obj) -> str:
    found = dig(service, "spec", "ports") or ()
    return ",".join(f"{one['port']}/{one.get('protocol', 'TCP')}" for one in found) or "<none>"


def _usage(prefix: str) -> Callable[[Obj], str]:
    def cell(quota: Obj) -> str:
        used = dig(quota, "status", "used") or {}
        return ", ".join(
            f"{name}: {used.get(name, 0)}/{hard}"
            for name, hard in sorted((dig(quota, "status", "hard") or {}).items())
            if name.startswith("limits.") == (prefix == "limits.")
        )

    return cell


def _event_object(event: Obj) -> str:
    about = event.get("involvedObject") or {}
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


NAME = Column("Name", field("metadata", "name"), "string")
AGE = Column("Age", age)
PLAIN = (NAME, AGE)
_IMAGES = (
    Column("Containers", _containers("name"), priority=1),
    Column("Images", _containers("image"), priority=1),
)
_SELECTOR = Column("Selector", _joined("spec", "selector", "matchLabels"), priority=1)


def _count(name: str, *path: str) -> Column:
    return Column(name, field(*path, empty=0), "integer")


COLUMNS: dict[str, tuple[Column, ...]] = {
    "namespaces": (NAME, Column("Status", field("status", "phase")), AGE),
    "nodes": (
        NAME,
        Column("Status", _node_status),
        Column("Roles", lambda _: "<none>"),
        AGE,
        Column("Version", field("status", "nodeInfo", "kubeletVersion")),
        Column("Internal-IP", lambda node: node["status"]["addresses"][0]["address"], priority=1),
    ),
    "pods": (
        NAME,
        Column("Ready", _pod_ready),
        Column("Status", _pod_status),
        Column("Restarts", _restarts),
        AGE,
        Column("IP", field("status", "podIP"), priority=1),
        Column("Node", field("spec", "nodeName"), priority=1),
        Column("Nominated Node", field("status", "nominatedNodeName"), priority=1),
        Column("Readiness Gates", lambda _: "<none>", priority=1),
    ),
    "services": (
        NAME,
        Column("Type", field("spec", "type")),
        Column("Cluster-IP", field("spec", "clusterIP")),
        Column("External-IP", lambda _: "<none>"),
        Column("Port(s)", _ports),
        AGE,
        Column("Selector", _joined("spec", "selector"), priority=1),
    ),
    "configmaps": (NAME, Column("Data", lambda one: len(one.get("data") or {}), "integer"), AGE),
    "secrets": (
        NAME,
        Column("Type", field("type")),
        Column("Data", lambda one: len(one.get("data") or {}), "integer"),
        AGE,
    ),
    "serviceaccounts": (NAME, Column("Secrets", lambda _: 0, "integer"), AGE),
    "events": (
        Column("Last Seen", lambda event: _since(event.get("lastTimestamp"))),
        Column("Type", field("type")),
        Column("Reason", field("reason")),
        Column("Object", _event_object),
        Column("Message", field("message")),
    ),
    "resourcequotas": (
        NAME,
        Column("Request", _usage("")),
        Column("Limit", _usage("limits.")),
        AGE,
    ),
    "limitranges": (NAME, Column("Created At", field("metadata", "creationTimestamp"))),
    "persistentvolumeclaims": (
        NAME,
        Column("Status", field("status", "phase")),
        Column("Volume", field("spec", "volumeName", empty="")),
        Column("Capacity", field("status", "capacity", "storage", empty="")),
        Column("StorageClass", field("spec", "storageClassName", empty="")),
        AGE,
    ),
    "deployments.apps": (
        NAME,
        Column("Ready", _ready("spec", "replicas")),
        _count("Up-to-date", "status", "updatedReplicas"),
        _count("Available", "status", "availableReplicas"),
        AGE,
        *_IMAGES,
        _SELECTOR,
    ),
    "replicasets.apps": (
        NAME,
        _count("Desired", "spec", "replicas"),
        _count("Current", "status", "replicas"),
        _count("Ready", "status", "readyReplicas"),
        AGE,
        *_IMAGES,
        _SELECTOR,
    ),
    "statefulsets.apps": (NAME, Column("Ready", _ready("spec", "replicas")), AGE, *_IMAGES),
    "daemonsets.apps": (
        NAME,
        _count("Desired", "status", "desiredNumberScheduled"),
        _count("Current", "status", "currentNumberScheduled"),
        _count("Ready", "status", "numberReady"),
        _count("Up-to-date", "status", "updatedNumberScheduled"),
        _count("Available", "status", "numberAvailable"),
        Column("Node Selector", _joined("spec", "template", "spec", "nodeSelector")),
        AGE,
        *_IMAGES,
        _SELECTOR,
    ),
    "horizontalpodautoscalers.autoscaling": (
        NAME,
        Column(
            "Reference",
            lambda hpa: "{kind}/{name}".format(**hpa["spec"]["scaleTargetRef"]),
        ),
        Column("Targets", _targets),
        Column("MinPods", lambda hpa: str(hpa["spec"].get("minReplicas", "<unset>"))),
        Column("MaxPods", field("spec", "maxReplicas"), "integer"),
        _count("Replicas", "status", "currentReplicas"),
        AGE,
    ),
    "poddisruptionbudgets.policy": (
        NAME,
        Column("Min Available", field("spec", "minAvailable", empty="N/A")),
        Column("Max Unavailable", field("spec", "maxUnavailable", empty="N/A")),
        _count("Allowed Disruptions", "status", "disruptionsAllowed"),
        AGE,
    ),
    "leases.coordination.k8s.io": (
        NAME,
        Column("Holder", field("spec", "holderIdentity", empty="")),
        AGE,
    ),
    "applications.argoproj.io": (
        NAME,
        Column("Sync Status", field("status", "sync", "status", empty="")),
        Column("Health Status", field("status", "health", "status", empty="")),
        Column("Revision", field("status", "sync", "revision", empty=""), priority=10),
    ),
}
