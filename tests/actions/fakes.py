"""A fleet in memory with just what actions touch, and a clock that runs fast."""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Callable, Collection, Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

from actions.desk import Desk
from actions.journal import Journal
from actions.manifest import Catalogue, bundled
from actions.world import Gateway, ObjectRef
from console.clock import Clock
from console.config import Cluster, Role, Settings
from console.errors import ConflictError, LinkError, NotFoundError, ReadOnlyError
from console.fleet import Fleet
from console.inventory import Inventory
from console.links.kube.kubeconfig import KubeEntry
from console.record import Key
from console.resources.namespaces import Namespace
from console.store import Source, SourceState, Store

FAST = 20.0
OURS = "shifu-console"


class FastClock:
    """Real time, `FAST` times over."""

    def __init__(self, *, ahead: float = 0.0) -> None:
        self.ahead = ahead

    def now(self) -> float:
        return 1.8e9 + self.ahead + self.monotonic()

    def monotonic(self) -> float:
        return time.monotonic() * FAST

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / FAST)


class FakeCluster:
    """Objects of one API server; `before` and `after` a write, a test may break it."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.objects: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.writes: list[str] = []
        """Every write that was stored, as `verb plural/name`."""
        self.requests = 0
        self.denied: set[str] = set()
        self.broken: LinkError | None = None
        self.closed = ""
        self.before_write: Callable[[str, ObjectRef], None] = lambda _verb, _ref: None
        self.after_write: Callable[[str, ObjectRef], None] = lambda _verb, _ref: None
        self.file: Path | None = None
        """Where the objects outlive the process, as a real cluster's do."""

    def put(self, plural: str, body: dict[str, Any], *, manager: str = "kubectl-create") -> None:
        metadata = body.setdefault("metadata", {})
        metadata.setdefault("uid", uuid.uuid4().hex)
        metadata["generation"] = metadata.get("generation", 0) + 1
        metadata["resourceVersion"] = uuid.uuid4().hex
        if "spec" in body and manager:
            owned: dict[str, Any] = {f"f:{name}": {} for name in body["spec"]}
            entry = {"manager": manager, "operation": "Update", "fieldsV1": {"f:spec": owned}}
            metadata.setdefault("managedFields", [entry])
        self.objects[plural, metadata.get("namespace", ""), metadata["name"]] = body

    def keep_in(self, file: Path) -> None:
        """Take up what the file has, and keep it up to date."""
        self.file = file
        if file.exists():
            rows, self.writes = json.loads(file.read_text())
            self.objects = {(row[0], row[1], row[2]): row[3] for row in rows}

    def save(self) -> None:
        if self.file is not None:
            rows = [[*key, body] for key, body in self.objects.items()]
            fresh = self.file.with_suffix(".new")
            fresh.write_text(json.dumps([rows, self.writes]))
            fresh.replace(self.file)

    def find(self, plural: str, namespace: str, name: str) -> dict[str, Any]:
        return self.objects[plural, namespace, name]

    async def get(self, ref: ObjectRef) -> dict[str, Any]:
        self._answer()
        found = self.objects.get((ref.plural, ref.namespace, ref.name))
        if found is None:
            raise NotFoundError(f"{self.alias}: {ref} is not there", status=404)
        return deepcopy(found)

    async def list(
        self, api: str, plural: str, namespace: str = "", label_selector: str = ""
    ) -> list[dict[str, Any]]:
        self._answer()
        wanted = dict(pair.split("=") for pair in label_selector.split(",") if pair)
        return [
            deepcopy(found)
            for (kind, place, _), found in self.objects.items()
            if kind == plural and namespace in ("", place)
            if wanted.items() <= (found["metadata"].get("labels") or {}).items()
        ]

    async def apply(
        self, ref: ObjectRef, body: dict[str, Any], *, dry_run: bool = False, force: bool = False
    ) -> dict[str, Any]:
        live = await self._writable("apply", ref, body, dry_run=dry_run)
        rivals = _rivals(live, body["spec"])
        if rivals and not force:
            raise ConflictError(f"conflict with {', '.join(sorted(rivals))}", status=409)
        changed = deepcopy(live)
        changed["spec"] |= body["spec"]
        _own(changed, body["spec"])
        return await self._store("apply", ref, changed, dry_run=dry_run)

    async def create(self, ref: ObjectRef, body: dict[str, Any]) -> dict[str, Any]:
        self._may_write("create", ref)
        if ("namespaces", "", ref.namespace) not in self.objects:
            raise NotFoundError(f"namespace {ref.namespace} not found", status=404)
        await asyncio.sleep(0)
        if (ref.plural, ref.namespace, ref.name) in self.objects:
            raise ConflictError(f"{ref} exists", status=409)
        return await self._store("create", ref, deepcopy(body))

    async def replace(self, ref: ObjectRef, body: dict[str, Any]) -> dict[str, Any]:
        await self._writable("replace", ref, body, dry_run=False)
        return await self._store("replace", ref, deepcopy(body))

    async def allowed(self, verb: str, ref: ObjectRef) -> tuple[bool | None, str]:
        if self.closed:
            return None, self.closed
        return f"{verb} {ref.plural}" not in self.denied, "role viewer"

    async def whoami(self) -> str:
        self._answer()
        return "sre"

    async def _writable(
        self, verb: str, ref: ObjectRef, body: dict[str, Any], *, dry_run: bool
    ) -> dict[str, Any]:
        self._may_write(verb if not dry_run else "dry-run", ref)
        await asyncio.sleep(0)
        live = self.objects.get((ref.plural, ref.namespace, ref.name))
        if live is None:
            raise ConflictError(f"{ref}: uid mismatch", status=409)
        asked = body["metadata"]
        for name in ("uid", "resourceVersion"):
            if name in asked and asked[name] != live["metadata"][name]:
                raise ConflictError(f"{ref}: the object has been modified", status=409)
        return live

    async def _store(
        self, verb: str, ref: ObjectRef, body: dict[str, Any], *, dry_run: bool = False
    ) -> dict[str, Any]:
        if dry_run:
            return body
        self.put(ref.plural, body, manager=OURS)
        self.writes.append(f"{verb} {ref.plural}/{ref.name}")
        self.after_write(verb, ref)
        self.save()
        return deepcopy(body)

    def _may_write(self, verb: str, ref: ObjectRef) -> None:
        self._answer()
        if self.closed:
            raise ReadOnlyError(f"{self.alias}: nothing is written: {self.closed}")
        if verb != "dry-run":
            self.before_write(verb, ref)

    def _answer(self) -> None:
        self.requests += 1
        if self.broken is not None:
            raise self.broken


class FakeFleet:
    """Two clusters, mgmt and usw2, as the desk sees them."""

    def __init__(self, clock: Clock, *clusters: FakeCluster, managed: bool = True) -> None:
        self.api = {cluster.alias: cluster for cluster in clusters}
        self.store = Store(clock)
        self.managed = managed
        self.read_only = ""
        self.clock = clock
        self.inventory = Inventory(
            clusters=tuple(_cluster(alias) for alias in self.api), settings=Settings()
        )

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        return self.inventory.clusters

    @property
    def look(self) -> Any:
        return self.store.snapshot

    async def collect(self, kinds: Iterable[str], clusters: Collection[str] | None = None) -> None:
        for alias, api in self.api.items():
            if clusters is not None and alias not in clusters:
                continue
            for kind in kinds:
                failed = api.broken
                state = SourceState.FAILING if failed else SourceState.LIVE
                now = self.clock.now()
                error = str(failed or "")
                self.store.note(
                    Source(
                        cluster=alias,
                        kind=kind,
                        method="list",
                        state=state,
                        contact_at=now,
                        error=error,
                    )
                )
                if kind == "namespace" and not failed:
                    self._namespaces(alias, api)

    def objects(self, cluster: str, *, run_id: str = "") -> Gateway:
        self.api[cluster].closed = self.read_only
        return self.api[cluster]

    def management(self) -> str | None:
        return "mgmt" if self.managed else None

    def read_only_reason(self, _cluster: str) -> str:
        return self.read_only

    def _namespaces(self, alias: str, api: FakeCluster) -> None:
        for (plural, _, name), body in api.objects.items():
            labels = body["metadata"].get("labels") or {}
            if plural == "namespaces":
                self.store.upsert(
                    Namespace(
                        key=Key(alias, "namespace", name, name),
                        uid=body["metadata"]["uid"],
                        labels=labels,
                        tenant=labels.get("ai-shifu.io/tenant", ""),
                    )
                )


def tenant_cluster(alias: str = "usw2") -> FakeCluster:
    """Return a cluster with tenant acme, whose api is pinned at its maximum of 6."""
    cluster = FakeCluster(alias)
    place = "tenant-acme"
    labels = {"ai-shifu.io/tenant": "acme"}
    cluster.put("namespaces", {"metadata": {"name": place, "uid": "ns-1", "labels": labels}})
    pod = {"containers": [{"resources": {"requests": {"cpu": "1", "memory": "2Gi"}}}]}
    cluster.put(
        "deployments",
        {
            "kind": "Deployment",
            "metadata": {"name": "ai-shifu-api", "namespace": place},
            "spec": {"replicas": 6, "template": {"spec": pod}},
            "status": {"replicas": 6, "readyReplicas": 6},
        },
    )
    limited = {"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas"}
    cluster.put(
        "horizontalpodautoscalers",
        {
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "ai-shifu-api", "namespace": place, "uid": "hpa-1"},
            "spec": {
                "minReplicas": 2,
                "maxReplicas": 6,
                "scaleTargetRef": {"kind": "Deployment", "name": "ai-shifu-api"},
            },
            "status": {
                "currentReplicas": 6,
                "desiredReplicas": 6,
                "conditions": [
                    {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"},
                    limited,
                ],
            },
        },
    )
    cluster.put(
        "resourcequotas",
        {
            "metadata": {"name": "tenant-quota", "namespace": place},
            "spec": {"hard": {"requests.cpu": "30", "pods": "45"}},
            "status": {"used": {"requests.cpu": "6", "pods": "6"}},
        },
    )
    return cluster


def follow_bounds(cluster: FakeCluster) -> None:
    """Let the autoscaler act on every change of its bounds, as a controller would."""

    def act(_verb: str, ref: ObjectRef) -> None:
        if ref.plural == "horizontalpodautoscalers":
            hpa = cluster.find(ref.plural, ref.namespace, ref.name)
            most = hpa["spec"]["maxReplicas"]
            hpa["status"]["currentReplicas"] = min(most, 8)
            unpin(cluster)

    cluster.after_write = act


def unpin(cluster: FakeCluster) -> None:
    """Let the load be gone: the autoscaler wants no more than it has."""
    hpa = cluster.find("horizontalpodautoscalers", "tenant-acme", "ai-shifu-api")
    free = {"type": "ScalingLimited", "status": "False", "reason": "DesiredWithinRange"}
    hpa["status"]["conditions"][1] = free


def management_cluster() -> FakeCluster:
    """Return a cluster that keeps the locks."""
    cluster = FakeCluster("mgmt")
    cluster.put("namespaces", {"metadata": {"name": "shifu-ops"}})
    return cluster


def application(*, heals: bool = True, ignores: bool = True) -> dict[str, Any]:
    """Return the Application of tenant acme."""
    pointers = ["/spec/minReplicas", "/spec/maxReplicas"]
    rule = {"group": "autoscaling", "kind": "HorizontalPodAutoscaler", "jsonPointers": pointers}
    return {
        "metadata": {"name": "t-acme", "namespace": "argocd"},
        "spec": {
            "destination": {"name": "usw2", "namespace": "tenant-acme"},
            "syncPolicy": {
                "automated": {"selfHeal": heals},
                "syncOptions": ["RespectIgnoreDifferences=true"],
            },
            "ignoreDifferences": [rule] if ignores else [],
        },
    }


def impatient(folder: Path) -> Path:
    """Copy the bundled actions, with verifications that give up sooner."""
    folder.mkdir(exist_ok=True)
    for path in bundled().glob("*.yaml"):
        text = re.sub(r"within: \w+", "within: 20s", path.read_text())
        (folder / path.name).write_text(text)
    return folder


class Scene:
    """A desk on a fake fleet."""

    def __init__(self, folder: Path, *, clock: FastClock | None = None) -> None:
        self.clock = clock or FastClock()
        self.tenant = tenant_cluster()
        follow_bounds(self.tenant)
        self.management = management_cluster()
        self.fleet = FakeFleet(self.clock, self.management, self.tenant)
        self.path = folder / "journal.db"
        self.catalogue = Catalogue([impatient(folder / "actions")])
        self.journal = Journal(self.path, self.clock)
        self.desk = self.new_desk(self.journal)

    def outlive_process(self) -> None:
        """Keep both clusters in files beside the journal."""
        for cluster in (self.tenant, self.management):
            cluster.keep_in(self.path.with_name(f"{cluster.alias}.json"))

    def new_desk(self, journal: Journal | None = None) -> Desk:
        return Desk(
            cast("Fleet", self.fleet),
            journal or Journal(self.path, self.clock),
            self.clock,
            catalogue=self.catalogue,
        )

    @property
    def hpa(self) -> dict[str, Any]:
        return self.tenant.find("horizontalpodautoscalers", "tenant-acme", "ai-shifu-api")

    @property
    def bounds(self) -> tuple[int, int]:
        spec = self.hpa["spec"]
        return spec["minReplicas"], spec["maxReplicas"]

    @property
    def applies(self) -> int:
        return sum(write.startswith("apply") for write in self.tenant.writes)


def _cluster(alias: str) -> Cluster:
    server = f"https://127.0.0.1/{alias}"
    return Cluster(
        alias=alias,
        context=alias,
        role=Role.MANAGEMENT if alias == "mgmt" else Role.TENANT,
        server=server,
        entry=KubeEntry(context=alias, cluster=alias, server=server),
    )


def _rivals(live: dict[str, Any], spec: dict[str, Any]) -> set[str]:
    changed = {f"f:{name}" for name, value in spec.items() if live["spec"].get(name) != value}
    return {
        entry["manager"]
        for entry in live["metadata"].get("managedFields", ())
        if entry["manager"] != OURS and changed & entry["fieldsV1"]["f:spec"].keys()
    }


def _own(live: dict[str, Any], spec: dict[str, Any]) -> None:
    ours: dict[str, Any] = {f"f:{name}": {} for name in spec}
    entries = live["metadata"].setdefault("managedFields", [])
    for entry in entries:
        if entry["manager"] != OURS:
            for name in ours:
                entry["fieldsV1"]["f:spec"].pop(name, None)
    entries[:] = [entry for entry in entries if entry["manager"] != OURS]
    entries.append({"manager": OURS, "operation": "Apply", "fieldsV1": {"f:spec": ours}})


async def until(true: Callable[[], bool]) -> None:
    """Wait for a fact; a test that waits in vain fails."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110  the fact has no event to wait for
            await asyncio.sleep(0.002)
