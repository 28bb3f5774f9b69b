"""The fleet: every cluster supervised on its own, and what is looked at kept up to date."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from typing import Any

from console.clock import Clock
from console.config import Cluster, Role
from console.errors import LinkError, NotFoundError
from console.inventory import Inventory
from console.links.kube.objects import ObjectRef, Objects
from console.links.retry import Pace
from console.member import Member
from console.record import Key
from console.reflector import Slots
from console.resources import views
from console.store import Snapshot, Store
from console.view import KubeSource

_LOG = logging.getLogger(__name__)
_RESTART_SECONDS = 5.0


class _Look:
    """Somebody looks at kinds of clusters, or did until a moment ago."""

    def __init__(self, kinds: frozenset[str], clusters: frozenset[str] | None) -> None:
        self.kinds = kinds
        self.clusters = clusters
        self.released_at: float | None = None

    def covers(self, cluster: str) -> bool:
        return self.clusters is None or cluster in self.clusters


class Fleet:
    """All clusters together; the one door to their state and their objects."""

    def __init__(
        self,
        inventory: Inventory,
        store: Store,
        clock: Clock,
        *,
        read_only: bool = False,
        request_timeout: float = 10.0,
        pace: Pace | None = None,
    ) -> None:
        self.inventory = inventory
        self.store = store
        self._clock = clock
        self._pace = pace or Pace()
        self._read_only = read_only
        self._write = True
        self._slots = Slots(self._pace)
        self._looks: list[_Look] = []
        self._looks_changed = asyncio.Event()
        self._members = {
            cluster.alias: Member(
                cluster,
                store,
                clock,
                slots=self._slots,
                pace=self._pace,
                request_timeout=request_timeout,
            )
            for cluster in inventory.clusters
        }

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """Return every cluster as configured."""
        return self.inventory.clusters

    @property
    def look(self) -> Snapshot:
        """Return the read side of the store."""
        return self.store.snapshot

    async def run(self) -> None:
        """Supervise until cancelled; a cluster's trouble stays its own."""
        async with asyncio.TaskGroup() as tasks:
            for member in self._members.values():
                tasks.create_task(self._supervise(member), name=member.cluster.alias)
            while True:
                self._looks_changed.clear()
                wait = self._spread()
                await self._until_change(wait)

    def watch(
        self, kinds: Iterable[str], clusters: Collection[str] | None = None
    ) -> Callable[[], None]:
        """Keep kinds up to date from now on; call the result when nobody looks any more."""
        look = _Look(frozenset(kinds), None if clusters is None else frozenset(clusters))
        self._looks.append(look)
        self._looks_changed.set()

        def release() -> None:
            if look.released_at is None:
                look.released_at = self._clock.monotonic()
                self._looks_changed.set()

        return release

    def refresh(self, kinds: Iterable[str] | None = None) -> None:
        """List again and retry failing clusters, now."""
        wanted = None if kinds is None else frozenset(kinds)
        for member in self._members.values():
            member.refresh(wanted)

    async def collect(self, kinds: Iterable[str], clusters: Collection[str] | None = None) -> None:
        """Read every kind once; how that went stands in the Sources, nothing is raised."""
        sources = _sources(frozenset(kinds))
        async with asyncio.TaskGroup() as tasks:
            for alias, member in self._members.items():
                if clusters is None or alias in clusters:
                    tasks.create_task(member.collect(sources))

    async def fetch(self, key: Key) -> dict[str, Any]:
        """Return the whole object behind a record.

        Raises:
            LinkError: it could not be read, or the record is computed and has no object.

        """
        return await self.objects(key.cluster).get(object_ref(key))

    async def events_about(self, key: Key) -> list[dict[str, Any]]:
        """Return the events about an object; about everything in its namespace if computed."""
        view = views().get(key.kind)
        source = view.source if view else None
        objects = self.objects(key.cluster)
        if source is None:
            return await objects.list("v1", "events", key.namespace)
        found = await objects.list(
            "v1", "events", key.namespace, field_selector=f"involvedObject.name={key.name}"
        )
        plural = source.path.rsplit("/", 1)[-1]
        return [event for event in found if _is_about(event, plural)]

    def objects(self, cluster: str, *, run_id: str = "") -> Objects:
        """Return the door to a cluster's objects; writes carry the run's id."""
        member = self._member(cluster)
        return Objects(member.gateway, lambda: self.read_only_reason(cluster), run_id=run_id)

    def management(self) -> str | None:
        """Return the management cluster; None while none is known."""
        configured = [c.alias for c in self.clusters if c.role is Role.MANAGEMENT]
        found = [alias for alias, m in self._members.items() if m.role is Role.MANAGEMENT]
        return next(iter((*configured, *found)), None)

    def read_only_reason(self, cluster: str) -> str:
        """Return why nothing may be written to a cluster; empty when it may."""
        if self._read_only:
            return "the console was started with --read-only"
        if self._member(cluster).cluster.read_only:
            return f"{cluster} is read-only in fleet.yaml"
        return "" if self._write else "the session is in READ mode"

    def set_write(self, allowed: bool) -> None:
        """Switch the session between READ and WRITE; --read-only stays closed."""
        self._write = allowed

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(member.close() for member in self._members.values()))

    def _member(self, cluster: str) -> Member:
        if cluster not in self._members:
            self.inventory.named(cluster)  # raises with the nearest names
            cluster = self.inventory.named(cluster).alias
        return self._members[cluster]

    async def _supervise(self, member: Member) -> None:
        while True:
            try:
                await member.run()
            except Exception as error:  # noqa: BLE001  our own fault must not darken the others
                _LOG.exception("cluster %s", member.cluster.alias, exc_info=error)
                member.fail(LinkError(f"internal error: {type(error).__name__}; see the log"))
            await self._clock.sleep(_RESTART_SECONDS)

    def _spread(self) -> float | None:
        """Tell each member what is looked at; returns when the next kind cools down."""
        now = self._clock.monotonic()
        self._looks = [
            look
            for look in self._looks
            if look.released_at is None or now - look.released_at < self._pace.warm
        ]
        for alias, member in self._members.items():
            kinds = {kind for look in self._looks if look.covers(alias) for kind in look.kinds}
            member.want(_sources(kinds))
        released = [look.released_at for look in self._looks if look.released_at is not None]
        return min(released) + self._pace.warm - now if released else None

    async def _until_change(self, seconds: float | None) -> None:
        waits: set[asyncio.Future[Any]] = {asyncio.ensure_future(self._looks_changed.wait())}
        if seconds is not None:
            waits.add(asyncio.ensure_future(self._clock.sleep(max(0.0, seconds))))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


def object_ref(key: Key) -> ObjectRef:
    """Return where a record's object is.

    Raises:
        NotFoundError: the kind is computed by the console.

    """
    view = views().get(key.kind)
    if view is None or view.source is None:
        raise NotFoundError(
            f"{key}: a {key.kind} is computed by the console and has no object of its own",
            remedy="look at its namespace and workloads",
        )
    _, *api, plural = view.source.path.strip("/").split("/")
    return ObjectRef("/".join(api), plural, key.namespace, key.name)


def _sources(kinds: Collection[str]) -> dict[str, KubeSource[Any, Any]]:
    """Return the kinds that are read from API servers; computed ones have nothing to read."""
    found = ((kind, views()[kind].source) for kind in sorted(kinds) if kind in views())
    return {kind: source for kind, source in found if source is not None}


def _is_about(event: dict[str, Any], plural: str) -> bool:
    kind = str((event.get("involvedObject") or {}).get("kind", ""))
    return plural.startswith(kind.lower())
