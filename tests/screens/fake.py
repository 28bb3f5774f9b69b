"""A fleet without a network: records put in by hand, a clock that stands still."""

import asyncio
from collections.abc import Callable, Collection, Iterable
from typing import Any, cast

from console.cli.session import Session
from console.config import Cluster, Role, Settings
from console.errors import NotFoundError
from console.inventory import Inventory
from console.links.kube.kubeconfig import KubeEntry
from console.record import Key, Record
from console.store import PROBE, Source, SourceState, Store
from screens.opening import Opened

NOW = 1_790_000_000.0


class StillClock:
    """Time that moves only when told."""

    def __init__(self, now: float = NOW) -> None:
        self.at = now

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def cluster(alias: str, region: str, **more: Any) -> Cluster:
    entry = KubeEntry(context=alias, cluster=alias, server="https://127.0.0.1:6443")
    return Cluster(
        alias=alias, context=alias, region=region, server=entry.server, entry=entry, **more
    )


CLUSTERS = (
    cluster("mgmt-us-west-2", "us-west-2", role=Role.MANAGEMENT),
    cluster("prod-us-west-2", "us-west-2", role=Role.TENANT, production=True),
    cluster("prod-eu-central-1", "eu-central-1", role=Role.TENANT, production=True),
    cluster("staging-ap-1", "ap-southeast-1", role=Role.TENANT),
)


class FakeFleet:
    """What the screens ask of a fleet, answered at once."""

    def __init__(self, store: Store, clusters: tuple[Cluster, ...] = CLUSTERS) -> None:
        self.store = store
        self.look = store.snapshot
        self.clusters = clusters
        self.inventory = Inventory(clusters=clusters, settings=Settings())
        self.watched: list[frozenset[str]] = []
        self.refreshed = 0
        self.objects: dict[Key, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.closed = False
        self.write = True

    async def run(self) -> None:
        await asyncio.Event().wait()

    def watch(
        self, kinds: Iterable[str], clusters: Collection[str] | None = None
    ) -> Callable[[], None]:
        look = frozenset(kinds)
        self.watched.append(look)
        return lambda: self.watched.remove(look)

    def refresh(self, kinds: Iterable[str] | None = None) -> None:
        self.refreshed += 1

    async def fetch(self, key: Key) -> dict[str, Any]:
        if key not in self.objects:
            raise NotFoundError(f"{key} is not there", status=404)
        return self.objects[key]

    async def events_about(self, key: Key) -> list[dict[str, Any]]:
        return self.events

    def management(self) -> str | None:
        return "mgmt-us-west-2"

    def read_only_reason(self, cluster: str) -> str:
        return "" if self.write else "the session is in READ mode"

    def set_write(self, allowed: bool) -> None:
        self.write = allowed

    async def close(self) -> None:
        self.closed = True


class FakeDesk:
    """A desk with nothing on it."""

    def catalogue(self) -> list[Any]:
        return []

    async def close(self) -> None:
        return None


Fill = Callable[[Store], None]


class Bench:
    """A session and the fake fleet that it opens."""

    def __init__(
        self, fill: Fill = lambda _: None, clusters: tuple[Cluster, ...] = CLUSTERS
    ) -> None:
        self.clock = StillClock()
        self.session = Session(clock=self.clock)
        self.fleet: FakeFleet | None = None
        self._fill = fill
        self._clusters = clusters

    async def open(self, session: Session, store: Store) -> Opened:
        self.fleet = FakeFleet(store, self._clusters)
        session.__dict__["inventory"] = self.fleet.inventory
        self._fill(store)
        return Opened(cast("Any", self.fleet), cast("Any", FakeDesk()))


def live(store: Store, kinds: Iterable[str], clusters: Iterable[str], age: float = 1.0) -> None:
    """Say that kinds of clusters are complete and were heard of `age` seconds ago."""
    for alias in clusters:
        for kind in (PROBE, *kinds):
            interval = 5.0 if kind == PROBE else 60.0
            store.note(
                Source(
                    cluster=alias,
                    kind=kind,
                    method="watch",
                    state=SourceState.LIVE,
                    interval=interval,
                    contact_at=NOW - age,
                    complete_at=NOW - 100,
                )
            )


def put(store: Store, records: Iterable[Record]) -> None:
    for record in records:
        store.upsert(record)
