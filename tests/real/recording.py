"""Records every distinct state that real controllers and kubelets write."""

import copy
import datetime
import gzip
import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tests.real.api import Api, Object
from tests.real.servers import KUBERNETES, KWOK

FOLDER = Path(__file__).parents[1] / "fixtures" / "states"
PATHS = {
    "hpa": "/apis/autoscaling/v2/horizontalpodautoscalers",
    "nodes": "/api/v1/nodes",
    "pods": "/api/v1/pods",
    "deployments": "/apis/apps/v1/deployments",
    "statefulsets": "/apis/apps/v1/statefulsets",
}
EVENTS = "/api/v1/events"
# What differs between two states of no different meaning.
_MOVING = {
    "acquireTime",
    "creationTimestamp",
    "deletionTimestamp",
    "finishedAt",
    "generation",
    "lastHeartbeatTime",
    "lastScaleTime",
    "lastTransitionTime",
    "lastUpdateTime",
    "observedGeneration",
    "resourceVersion",
    "startTime",
    "startedAt",
    "time",
    "timeAdded",
    "uid",
}
_PERSONAL = {"name", "generateName", "namespace", "hostIP", "podIP", "podIPs", "nodeName"}
_EVENTS_KEPT = 6


class Recorder:
    """Keeps one entry for every distinct state, with what stood around it."""

    def __init__(self) -> None:
        self._states: dict[str, dict[str, Object]] = {kind: {} for kind in PATHS}
        self._targets: dict[tuple[str, str, str], Object] = {}
        self._events: dict[tuple[str, str, str], list[Object]] = defaultdict(list)

    async def follow(self, api: Api, kind: str) -> None:
        """Record the objects of one kind until cancelled."""
        async for change, item in api.watch(PATHS[kind]):
            if kind in {"deployments", "statefulsets"}:
                self._remember(kind, change, item)
            if change in {"ADDED", "MODIFIED"} and not _system(item):
                self._keep(kind, item)

    async def follow_events(self, api: Api) -> None:
        """Remember the events of every object until cancelled."""
        async for change, event in api.watch(EVENTS):
            if change in {"ADDED", "MODIFIED"}:
                about = event["involvedObject"]
                key = (about.get("kind", ""), about.get("namespace", ""), about.get("name", ""))
                kept = [one for one in self._events[key] if one["uid"] != event["metadata"]["uid"]]
                self._events[key] = [*kept, _event(event)][-_EVENTS_KEPT:]

    def count(self, kind: str) -> int:
        return len(self._states[kind])

    def write(self) -> None:
        """Write a file for every kind."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        for kind, states in self._states.items():
            content = {
                "recordedWith": {"kubernetes": KUBERNETES.version, "kwok": KWOK.version},
                "states": list(states.values()),
            }
            text = json.dumps(content, separators=(",", ":"), sort_keys=True)
            # No time stamp inside, so that equal recordings are equal files.
            (FOLDER / f"{kind}.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))

    def _remember(self, kind: str, change: str, item: Object) -> None:
        singular = {"deployments": "Deployment", "statefulsets": "StatefulSet"}[kind]
        key = (singular, item["metadata"]["namespace"], item["metadata"]["name"])
        if change == "DELETED":
            self._targets.pop(key, None)
        else:
            self._targets[key] = _trimmed(item)

    def _keep(self, kind: str, item: Object) -> None:
        trimmed = _trimmed(item)
        meaning = json.dumps(_meaning(trimmed), sort_keys=True)
        if meaning in self._states[kind]:
            return
        entry: Object = {
            "scenario": _scenario(item),
            "capturedAt": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "object": trimmed,
        }
        if kind == "hpa":
            metadata, target = item["metadata"], item["spec"]["scaleTargetRef"]
            key = (target["kind"], metadata["namespace"], target["name"])
            entry["target"] = self._targets.get(key)
            about = ("HorizontalPodAutoscaler", metadata["namespace"], metadata["name"])
            entry["events"] = list(self._events[about])
        self._states[kind][meaning] = entry


def read(kind: str) -> list[Object]:
    """Read the recorded states of one kind."""
    content = json.loads(gzip.decompress((FOLDER / f"{kind}.json.gz").read_bytes()))
    states: list[Object] = content["states"]
    return states


def distinct(states: Iterable[Object]) -> int:
    """Count states that differ in more than names and times."""
    return len({json.dumps(_meaning(state["object"]), sort_keys=True) for state in states})


def _system(item: Object) -> bool:
    return str(item["metadata"].get("namespace", "")).startswith("kube-")


def _scenario(item: Object) -> str:
    metadata = item["metadata"]
    return str(metadata.get("namespace") or metadata["name"])


def _trimmed(item: Object) -> Object:
    kept = copy.deepcopy(item)
    metadata = kept["metadata"]
    fields = [one for entry in metadata.pop("managedFields", []) if (one := _writer(entry))]
    if fields:
        metadata["managedFields"] = fields
    metadata.pop("resourceVersion", None)
    return kept


def _writer(entry: Object) -> Object | None:
    """Keep who set replicas, the one thing that words read from managed fields."""
    if "f:replicas" not in entry.get("fieldsV1", {}).get("f:spec", {}):
        return None
    return entry | {"fieldsV1": {"f:spec": {"f:replicas": {}}}}


def _meaning(value: object) -> object:
    if isinstance(value, dict):
        skipped = _MOVING | _PERSONAL
        return {name: _meaning(part) for name, part in value.items() if name not in skipped}
    if isinstance(value, list):
        return [_meaning(part) for part in value]
    return value


def _event(event: Object) -> Object:
    return {
        "uid": event["metadata"]["uid"],
        "type": event.get("type"),
        "reason": event.get("reason"),
        "message": event.get("message"),
        "count": event.get("count"),
        "lastTimestamp": event.get("lastTimestamp") or event.get("eventTime"),
    }
