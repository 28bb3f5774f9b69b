"""A store filled by the kinds' own decoding, with a clock the test holds."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from console.record import Record, Word
from console.resources import views
from console.store import Source, SourceState, Store

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC).timestamp()
CLUSTER = "usw2"
Json = dict[str, Any]


class HeldClock:
    """Time that moves when told."""

    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> float:
        return self.moment

    def monotonic(self) -> float:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.moment += seconds


def ago(seconds: float) -> str:
    """Write the moment so many seconds before the test's now."""
    return datetime.fromtimestamp(NOW - seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class World:
    """One cluster as its API server would tell it."""

    def __init__(self, *, read_for: float = 3600.0) -> None:
        self.clock = HeldClock()
        self.store = Store(self.clock)
        self.look = self.store.snapshot
        for view in views().values():
            if view.source is not None:
                self.read(view.kind, read_for=read_for)

    def read(
        self, kind: str, state: SourceState = SourceState.LIVE, *, read_for: float | None = 3600.0
    ) -> None:
        """Say how reading a kind goes; None: it has not been read completely."""
        self.store.note(
            Source(
                cluster=CLUSTER,
                kind=kind,
                method="watch",
                state=state,
                contact_at=self.clock.now(),
                complete_at=None if read_for is None else self.clock.now() - read_for,
            )
        )

    def put(self, kind: str, wire: Json) -> Any:
        """Decode an object and keep it, as the reflector does."""
        source = views()[kind].source
        assert source is not None
        record = source.flatten(CLUSTER, msgspec.json.decode(json.dumps(wire), type=source.wire))
        assert record is not None
        before = self.look.get(record.key)
        if before is not None and source.carry is not None:
            record = source.carry(before, record, self.clock.now())
        self.store.upsert(record)
        return record

    def word(self, record: Record) -> Word:
        """Return the word of the record as it stands in the store now."""
        view = views()[record.key.kind]
        current = record if view.derive else self.look.get(record.key)
        assert current is not None
        return view.word(current, self.look)

    def pass_time(self, seconds: float) -> None:
        """Let time pass while every source stays alive."""
        self.clock.moment += seconds
        for source in self.look.sources():
            self.store.note(msgspec.structs.replace(source, contact_at=self.clock.now()))


def merged(base: Json, changes: Json) -> Json:
    """Lay changes over a tree; None takes a key away."""
    result = dict(base)
    for name, value in changes.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = merged(result[name], value)
        else:
            result[name] = value
    return result


def meta(name: str, *, namespace: str = "tenant-acme", age: float = 86400, **more: Any) -> Json:
    """Return metadata."""
    return {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{name}",
        "resourceVersion": "7",
        "creationTimestamp": ago(age),
        **more,
    }


def condition(
    kind: str, status: str, reason: str = "", *, since: float = 3600, **more: Any
) -> Json:
    """Return a condition."""
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "lastTransitionTime": ago(since),
        **more,
    }


def pod(name: str, changes: Json | None = None, *, owner: str = "api", age: float = 3600) -> Json:
    """Return a pod that runs and is ready, of a Deployment; `changes` are laid over it."""
    wire: Json = {
        "metadata": meta(
            name,
            age=age,
            labels={"app": owner, "pod-template-hash": "7d4"},
            ownerReferences=[{"kind": "ReplicaSet", "name": f"{owner}-7d4", "controller": True}],
        ),
        "spec": {
            "nodeName": "node-1",
            "containers": [{"resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}],
        },
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.1",
            "conditions": [
                condition("PodScheduled", "True", since=age),
                condition("Ready", "True", since=age),
            ],
            "containerStatuses": [container()],
        },
    }
    return merged(wire, changes or {})


def container(*, ready: bool = True, restarts: int = 0, **state: Any) -> Json:
    """Return a container's status; running when no state is given."""
    last = state.pop("last", None)
    found: Json = {
        "ready": ready,
        "restartCount": restarts,
        "state": state or {"running": {"startedAt": ago(3600)}},
    }
    return {**found, "lastState": {"terminated": last}} if last else found


def deployment(name: str = "api", changes: Json | None = None) -> Json:
    """Return a Deployment of five pods, rolled out."""
    wire: Json = {
        "metadata": meta(name, generation=3),
        "spec": {
            "replicas": 5,
            "progressDeadlineSeconds": 600,
            "template": {"spec": {"containers": [{"image": "api:1"}]}},
        },
        "status": {
            "observedGeneration": 3,
            "replicas": 5,
            "updatedReplicas": 5,
            "readyReplicas": 5,
            "availableReplicas": 5,
            "conditions": [
                condition("Available", "True", "MinimumReplicasAvailable"),
                condition("Progressing", "True", "NewReplicaSetAvailable"),
            ],
        },
    }
    return merged(wire, changes or {})


def utilization(current: int | None, *, target: int = 70, name: str = "cpu") -> tuple[Json, Json]:
    """Return a Resource metric's entries in spec and status."""
    goal = {"type": "Utilization", "averageUtilization": target}
    spec = {"type": "Resource", "resource": {"name": name, "target": goal}}
    if current is None:
        return spec, {"type": ""}
    found = {"averageUtilization": current, "averageValue": "1"}
    return spec, {"type": "Resource", "resource": {"name": name, "current": found}}


def hpa(changes: Json | None = None, *, cpu: int | None = 70, name: str = "api") -> Json:
    """Return an autoscaler of 2 to 10 replicas that stands at 5 and is content."""
    spec, status = utilization(cpu)
    wire: Json = {
        "metadata": meta(name),
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "api", "apiVersion": "apps/v1"},
            "minReplicas": 2,
            "maxReplicas": 10,
            "metrics": [spec],
        },
        "status": {
            "currentReplicas": 5,
            "desiredReplicas": 5,
            "lastScaleTime": ago(7200),
            "currentMetrics": [status],
            "conditions": scaling(),
        },
    }
    return merged(wire, changes or {})


def scaling(
    able: tuple[str, str] = ("True", "ReadyForNewScale"),
    active: tuple[str, str] = ("True", "ValidMetricFound"),
    limited: tuple[str, str] = ("False", "DesiredWithinRange"),
    *,
    since: float = 3600,
    message: str = "as the controller says",
) -> list[Json]:
    """Return an autoscaler's three conditions."""
    found = {"AbleToScale": able, "ScalingActive": active, "ScalingLimited": limited}
    return [condition(kind, *state, since=since, message=message) for kind, state in found.items()]
