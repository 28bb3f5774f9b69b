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


_Rows = dict[str, dict[str, Record]]
"""Namespace to name to record: the names are those of the keys, so a row costs one entry."""
_NO_ROWS: _Rows = {}
_CONTACT_STEP = 1.0
"""Signs of life closer together than this many seconds are one."""


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
        names = self._store.rows_of(key.cluster, key.kind).get(key.namespace)
        return names.get(key.name) if names is not None else None

    def rows(self, kind: str, clusters: Collection[str] | None = None) -> Iterator[Record]:
        """Iterate the records of one kind, over all clusters or some."""
        for cluster, rows in list(self._store.tables.get(kind, {}).items()):
            if clusters is None or cluster in clusters:
                for names in list(rows.values()):
                    yield from list(names.values())

    def in_namespace(self, cluster: str, kind: str, namespace: str) -> list[Record]:
        """Return the records of one kind in one namespace."""
        return list(self._store.rows_of(cluster, kind).get(namespace, {}).values())

    def count(self, kind: str, cluster: str) -> int:
        """Return how many records of a kind a cluster has."""
        return sum(map(len, self._store.rows_of(cluster, kind).values()))

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
        self.tables: dict[str, dict[str, _Rows]] = {}
        """Kind to cluster to rows."""
        self.sources: dict[tuple[str, str], Source] = {}
        self.versions: defaultdict[str, int] = defaultdict(int)
        self.snapshot = Snapshot(self, clock)
        self._changed: set[Key] = set()
        self._changed_sources: set[tuple[str, str]] = set()
        self._listeners: list[Callable[[], None]] = []

    def rows_of(self, cluster: str, kind: str) -> _Rows:
        """Return the rows of one kind of one cluster; not to be written to."""
        return self.tables.get(kind, {}).get(cluster, _NO_ROWS)

    def upsert(self, record: Record) -> None:
        """Put a record in, or replace it."""
        key = record.key
        rows = self.tables.setdefault(key.kind, {}).setdefault(key.cluster, {})
        rows.setdefault(key.namespace, {})[key.name] = record
        self._touch(key)

    def remove(self, key: Key) -> None:
        """Forget a record."""
        rows = self.rows_of(key.cluster, key.kind)
        names = rows.get(key.namespace, {})
        if names.pop(key.name, None) is None:
            return
        if not names:
            del rows[key.namespace]
        self._touch(key)

    def keep_only(self, cluster: str, kind: str, names: Collection[tuple[str, str]]) -> None:
        """Forget the records of a kind that a complete list did not name."""
        gone = [
            record.key
            for namespace, rows in self.rows_of(cluster, kind).items()
            for name, record in rows.items()
            if (namespace, name) not in names
        ]
        for key in gone:
            self.remove(key)

    def contact(self, cluster: str, kind: str, moment: float) -> None:
        """Record a sign of life of a source; wakes nobody."""
        source = self.sources.get((cluster, kind))
        if source is None:
            return
        if source.contact_at is None or moment - source.contact_at >= _CONTACT_STEP:
            self.sources[cluster, kind] = msgspec.structs.replace(source, contact_at=moment)

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
