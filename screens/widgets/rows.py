"""The rows of one table in their order: which records pass, and where each stands.

Evaluating a row costs; so rows that may have changed wait in `dirty` and are worked off in
slices, and the order is made from cached values, never by asking the records again.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from console.record import Key, Record, Tone, Word
from console.store import ChangeBatch, Freshness, Snapshot
from console.view import Column, View, believed

Entry = tuple[Any, str, str, str]
"""Sort value, then cluster, namespace, name, so that equal values keep a stable order.

Only plain values: tuples of such are nothing to the garbage collector, however many there are.
"""


class Matcher(Protocol):
    """A '/' filter."""

    def matches(self, text: str, labels: dict[str, str]) -> bool:
        """Tell whether a row with this text and these labels passes."""
        ...


@dataclass(frozen=True)
class Wanted:
    """What a table shows of its kind, and in which order."""

    clusters: frozenset[str] = frozenset()
    """Empty: all."""
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    accepts: Callable[[Record], bool] | None = None
    """Tells whether a record has the namespace and labels asked for."""
    matcher: Matcher | None = None
    only_faults: bool = False
    sort: int = -1
    """Index of a column; -1 for cluster, namespace, name."""
    backwards: bool = False


_FAULTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a column or a word may raise over a record it did not foresee; one row, not the console."""


def word_of(view: View[Any], record: Record, look: Snapshot) -> Word:
    """Return a record's word; a word that fails says so and is unknown."""
    try:
        return view.word(record, look)
    except _FAULTS as error:
        return Word(f"fault: {type(error).__name__}", Tone.UNKNOWN, str(error))


def cell(column: Column[Any], record: Record, look: Snapshot) -> str | Word:
    """Return a cell; a column that fails says so in its cell and nowhere else."""
    try:
        return column.text(record, look)
    except _FAULTS as error:
        return Word(f"fault: {type(error).__name__}", Tone.UNKNOWN, str(error))


def _order_of(column: Column[Any], record: Record, look: Snapshot) -> Any:
    assert column.order is not None  # noqa: S101  the caller asked
    try:
        return column.order(record, look)
    except _FAULTS:
        return None  # sorted last; the cell itself says what is wrong


def without(entries: list[Entry], gone: list[Entry]) -> list[Entry]:
    """Return sorted entries without some of them, copying what lies between in one piece."""
    kept: list[Entry] = []
    start = 0
    for at in sorted(bisect_left(entries, entry) for entry in gone):
        kept += entries[start:at]
        start = at + 1
    kept += entries[start:]
    return kept


def merge(entries: list[Entry], new: list[Entry]) -> list[Entry]:
    """Return two sorted lists as one."""
    if len(new) * 8 > len(entries):
        return sorted(entries + new)  # two sorted runs: timsort only merges them
    merged: list[Entry] = []
    start = 0
    for entry in new:
        at = bisect_left(entries, entry, start)
        merged += entries[start:at]
        merged.append(entry)
        start = at
    merged += entries[start:]
    return merged


class Rows:
    """The ordered keys of a table."""

    def __init__(
        self,
        view: View[Any],
        look: Snapshot,
        wanted: Wanted | None = None,
        *,
        tells_age: bool = False,
    ) -> None:
        """Hold the rows of a view; `tells_age` when its own words already say what is old."""
        self.view = view
        self._tells_age = tells_age
        self.look = look
        self.wanted = wanted or Wanted()
        self.entries: list[Entry] = []
        self.dirty: dict[Key, None] = {}
        self._derived: dict[Key, Record] | None = {} if view.derive is not None else None
        self._place: dict[Key, Entry] = {}
        self._pending: dict[Key, Entry | None] = {}
        self._passed_by: set[Key] = set()
        self._freshness: dict[str, tuple[float, Freshness]] = {}

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def hidden(self) -> int:
        """Return how many records in the scope a filter keeps away."""
        return len(self._passed_by)

    def get(self, key: Key) -> Record | None:
        """Return the record of a row."""
        return self.look.get(key) if self._derived is None else self._derived.get(key)

    def key_at(self, index: int) -> Key | None:
        """Return the key of the row at a place."""
        if not 0 <= index < len(self.entries):
            return None
        return self._key(self.entries[-1 - index if self.wanted.backwards else index])

    def _key(self, entry: Entry) -> Key:
        return Key(entry[1], self.view.kind, entry[2], entry[3])

    def index(self, key: Key) -> int | None:
        """Return where a row stands; None when it is not shown."""
        entry = self._place.get(key)
        if entry is None:
            return None
        at = bisect_left(self.entries, entry)
        return len(self.entries) - 1 - at if self.wanted.backwards else at

    def ordered(self) -> list[Key]:
        """Return the keys of all rows in their order."""
        found = [self._key(entry) for entry in self.entries]
        return found[::-1] if self.wanted.backwards else found

    def freshness(self, record: Record) -> Freshness:
        """Return how far a row can be believed; asked once a second for a cluster."""
        if self._tells_age:
            return Freshness.FRESH
        cluster = record.key.cluster
        now = self.look.now()
        known = self._freshness.get(cluster)
        if known is None or not 0 <= now - known[0] < 1.0:
            known = (now, self.view.provenance(record, self.look).freshness)
            self._freshness[cluster] = known
        return known[1]

    def want(self, wanted: Wanted) -> None:
        """Show something else of the same kind."""
        self.wanted = wanted
        self.entries = []
        self._place.clear()
        self._pending.clear()
        self._passed_by.clear()
        self.reread()

    def reread(self) -> None:
        """Look at every record again, in slices."""
        if self._derived is not None:
            self.derive()
        self.reread_known()

    def reread_known(self) -> None:
        """Look at every known record again: what it is judged by has changed."""
        if self._derived is not None:
            self.dirty.update(dict.fromkeys(self._derived))
            return
        clusters = self.wanted.clusters or None
        found = dict.fromkeys(record.key for record in self.look.rows(self.view.kind, clusters))
        self.dirty.update(found)
        self.dirty.update(dict.fromkeys(key for key in self._place if key not in found))

    def derive(self) -> Collection[Key]:
        """Compute a derived kind again; returns the rows that differ, only they are looked at."""
        assert self._derived is not None  # noqa: S101  asked of derived kinds only
        assert self.view.derive is not None  # noqa: S101
        before = self._derived
        after: dict[Key, Record] = {record.key: record for record in self.view.derive(self.look)}
        self._derived = after
        changed = dict.fromkeys(k for k, record in after.items() if before.get(k) != record)
        self.dirty.update(changed)
        self.dirty.update(dict.fromkeys(key for key in before if key not in after))
        return changed.keys()

    def note(self, batch: ChangeBatch) -> Collection[Key]:
        """Take in what a batch says about this kind; returns the keys that may have changed."""
        if batch.sources:
            self._freshness.clear()
        if self._derived is not None:
            return ()
        kind, clusters = self.view.kind, self.wanted.clusters
        keys = [
            key
            for key in batch.keys
            if key.kind == kind and (not clusters or key.cluster in clusters)
        ]
        self.dirty.update(dict.fromkeys(keys))
        return keys

    def work(self, seconds: float, clock: Callable[[], float] = time.perf_counter) -> None:
        """Evaluate waiting rows for about so long."""
        limit = clock() + seconds
        dirty, pending, place = self.dirty, self._pending, self._place
        while dirty:
            for key in [key for key, _ in zip(dirty, range(64), strict=False)]:
                del dirty[key]
                entry = self._evaluate(key)
                if entry != place.get(key) or key in pending:
                    pending[key] = entry
            if clock() > limit:
                return

    @property
    def unsettled(self) -> int:
        """Return how many rows wait for their new place."""
        return len(self._pending)

    def settle(self) -> None:
        """Bring the order up to date: what moved is taken out and put where it now belongs."""
        pending, self._pending = self._pending, {}
        old = [entry for entry in map(self._place.get, pending) if entry is not None]
        new = sorted(entry for entry in pending.values() if entry is not None)
        self.entries = merge(without(self.entries, old), new)
        for key, entry in pending.items():
            if entry is None:
                self._place.pop(key, None)
            else:
                self._place[key] = entry

    def _evaluate(self, key: Key) -> Entry | None:
        record = self.get(key)
        if record is None or not self._in_scope(record):
            self._passed_by.discard(key)
            return None
        if not self._passes(record):
            self._passed_by.add(key)
            return None
        self._passed_by.discard(key)
        return (self._order(record), key.cluster, key.namespace, key.name)

    def _in_scope(self, record: Record) -> bool:
        wanted = self.wanted
        if wanted.clusters and record.key.cluster not in wanted.clusters:
            return False
        return wanted.accepts is None or wanted.accepts(record)

    def _passes(self, record: Record) -> bool:
        wanted = self.wanted
        if wanted.only_faults and not self.word(record).tone.is_fault:
            return False
        return wanted.matcher is None or wanted.matcher.matches(self.text(record), record.labels)

    def word(self, record: Record) -> Word:
        """Return a row's own state as it may be believed."""
        return believed(word_of(self.view, record, self.look), self.freshness(record))

    def text(self, record: Record) -> str:
        """Return a row's text as the filter sees it: the cluster and every cell."""
        parts = [record.key.cluster, record.key.namespace]
        for column in self.view.columns:
            value = cell(column, record, self.look)
            parts.append(value.text if isinstance(value, Word) else value)
        return " ".join(parts)

    def _order(self, record: Record) -> Any:
        if self.wanted.sort < 0:
            return (0,)
        column = self.view.columns[self.wanted.sort]
        last = -1 if self.wanted.backwards else 1
        value: Any
        value = (
            cell(column, record, self.look)
            if column.order is None
            else _order_of(column, record, self.look)
        )
        if isinstance(value, Word):
            shown = believed(value, self.freshness(record))
            return (0, shown.tone.severity, shown.text)
        return (last,) if value is None else (0, value)
