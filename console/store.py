"""The one copy of observed state; reflectors write it, everybody else reads a Snapshot."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from enum import StrEnum

import msgspec

from console.clock import Clock
from console.record import Key, Record


class SourceState(StrEnum):
    """What the last exchange with a source said."""

    WAITING = "waiting"
    """Asked, nothing complete has come yet."""
    LIVE = "live"
    FAILING = "failing"
    """The last exchange failed; what was known before is kept and ages."""
    FORBIDDEN = "forbidden"
    """The server refuses this kind to this user."""
    ABSENT = "absent"
    """The server does not serve this kind."""


class Freshness(StrEnum):
    """How far a value can be believed."""

    FRESH = "fresh"
    STALE = "stale"
    UNKNOWN = "unknown"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where values of one kind in one cluster come from, and how that goes.

    `kind` is a record kind, or "cluster" for the probe of the API server itself. Times are wall
    seconds; `interval` is how often a sign of life is due.
    """

    cluster: str
    kind: str
    method: str
    state: SourceState = SourceState.WAITING
    interval: float = 60.0
    contact_at: float | None = None
    """The last sign of life: a page, an event, a bookmark, a probe's answer."""
    complete_at: float | None = None
    """When the first full list was in the store; None means rows may be missing."""
    error: str = ""
    remedy: str = ""
    status: int | None = None
    attempts: int = 0
    retry_at: float | None = None
    skew_seconds: float = 0.0
    """Server clock minus ours (probe only)."""

    def freshness(self, now: float) -> Freshness:
        """Judge by the sign of life: fresh within 2 intervals, stale within 5, then unknown."""
        if self.contact_at is None:
            return Freshness.UNKNOWN
        age = now - self.contact_at
        if age <= 2 * self.interval:
            return Freshness.FRESH
        return Freshness.STALE if age <= 5 * self.interval else Freshness.UNKNOWN


PROBE = "cluster"
"""The `Source.kind` of a cluster's own probe; its freshness bounds every kind of the cluster."""


class ChangeBatch(msgspec.Struct, frozen=True):
    """What changed since the last batch: keys only, read the Snapshot for values."""

    keys: frozenset[Key]
    sources: frozenset[tuple[str, str]]
    """(cluster, kind) of the sources whose state changed."""

    @property
    def kinds(self) -> frozenset[str]:
        """Return the kinds touched."""
        return frozenset(key.kind for key in self.keys) | {kind for _, kind in self.sources}


_Rows = dict[tuple[str, str], Record]


class Snapshot:
    """The read side of the store: live, never written through."""

    def __init__(self, store: "Store", clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def now(self, cluster: str = "") -> float:
        """Return wall time; with a cluster, as that cluster's own clock shows it."""
        probe = self._store.sources.get((cluster, PROBE))
        return self._clock.now() + (probe.skew_seconds if probe else 0.0)

    def get(self, key: Key) -> Record | None:
        """Return one record."""
        return self._store.tables[key.cluster, key.kind].get((key.namespace, key.name))

    def rows(self, kind: str, clusters: Collection[str] | None = None) -> Iterator[Record]:
        """Iterate the records of one kind, over all clusters or some."""
        for (cluster, table_kind), table in list(self._store.tables.items()):
            if table_kind == kind and (clusters is None or cluster in clusters):
                yield from list(table.values())

    def in_namespace(self, cluster: str, kind: str, namespace: str) -> list[Record]:
        """Return the records of one kind in one namespace."""
        names = self._store.by_namespace[cluster, kind].get(namespace, {})
        table = self._store.tables[cluster, kind]
        return [table[namespace, name] for name in names]

    def count(self, kind: str, cluster: str) -> int:
        """Return how many records of a kind a cluster has."""
        return len(self._store.tables[cluster, kind])

    def source(self, cluster: str, kind: str) -> Source | None:
        """Return how the reading of one kind of one cluster goes; None when nobody asked."""
        return self._store.sources.get((cluster, kind))

    def sources(self) -> list[Source]:
        """Return every source."""
        return list(self._store.sources.values())

    def freshness(self, cluster: str, kind: str) -> Freshness:
        """Return the freshness of a kind: never better than the cluster's own probe."""
        now = self._clock.now()
        known = [self._store.sources.get((cluster, name)) for name in (PROBE, kind)]
        found = [source.freshness(now) for source in known if source is not None]
        if known[1] is None:
            return Freshness.UNKNOWN
        order = (Freshness.UNKNOWN, Freshness.STALE, Freshness.FRESH)
        return min(found, key=order.index)

    def observed_at(self, cluster: str, kind: str) -> float | None:
        """Return the moment up to which values of a kind are known to hold."""
        source = self._store.sources.get((cluster, kind))
        return source.contact_at if source else None

    def version(self, kinds: Iterable[str]) -> int:
        """Return a number that changes when any record of these kinds changes."""
        return sum(self._store.versions[kind] for kind in kinds)


class Store:
    """The write side; only reflectors, the fleet and the run journal hold it."""

    def __init__(self, clock: Clock) -> None:
        self.tables: defaultdict[tuple[str, str], _Rows] = defaultdict(dict)
        self.by_namespace: defaultdict[tuple[str, str], dict[str, dict[str, None]]] = defaultdict(
            dict
        )
        self.sources: dict[tuple[str, str], Source] = {}
        self.versions: defaultdict[str, int] = defaultdict(int)
        self.snapshot = Snapshot(self, clock)
        self._changed: set[Key] = set()
        self._changed_sources: set[tuple[str, str]] = set()
        self._listeners: list[Callable[[], None]] = []

    def upsert(self, record: Record) -> None:
        """Put a record in, or replace it."""
        key = record.key
        place = (key.cluster, key.kind)
        table = self.tables[place]
        name = (key.namespace, key.name)
        if name not in table:
            self.by_namespace[place].setdefault(key.namespace, {})[key.name] = None
        table[name] = record
        self._touch(key)

    def remove(self, key: Key) -> None:
        """Forget a record."""
        place = (key.cluster, key.kind)
        if self.tables[place].pop((key.namespace, key.name), None) is None:
            return
        names = self.by_namespace[place]
        names[key.namespace].pop(key.name, None)
        if not names[key.namespace]:
            del names[key.namespace]
        self._touch(key)

    def keep_only(self, cluster: str, kind: str, names: Collection[tuple[str, str]]) -> None:
        """Forget the records of a kind that a complete list did not name."""
        gone = [name for name in self.tables[cluster, kind] if name not in names]
        for namespace, name in gone:
            self.remove(Key(cluster, kind, namespace, name))

    def note(self, source: Source) -> None:
        """Record how a source fares; a mere sign of life wakes nobody."""
        place = (source.cluster, source.kind)
        before = self.sources.get(place)
        self.sources[place] = source
        if before is None or msgspec.structs.replace(source, contact_at=0.0) != (
            msgspec.structs.replace(before, contact_at=0.0)
        ):
            self._changed_sources.add(place)
            self._wake()

    def forget_source(self, cluster: str, kind: str) -> None:
        """Drop a kind of a cluster that nobody looks at any more, with its records."""
        self.keep_only(cluster, kind, ())
        if self.sources.pop((cluster, kind), None) is not None:
            self._changed_sources.add((cluster, kind))
            self._wake()

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` when a batch waits to be taken; returns how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def take_batch(self) -> ChangeBatch:
        """Hand over what changed since the last call."""
        batch = ChangeBatch(frozenset(self._changed), frozenset(self._changed_sources))
        self._changed.clear()
        self._changed_sources.clear()
        return batch

    def _touch(self, key: Key) -> None:
        self.versions[key.kind] += 1
        quiet = not self._changed and not self._changed_sources
        self._changed.add(key)
        if quiet:
            self._wake()

    def _wake(self) -> None:
        for listener in list(self._listeners):
            listener()
