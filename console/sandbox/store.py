"""One cluster's objects, their history, and those who watch it."""

import asyncio
from collections.abc import Callable, Iterator

import msgspec

from console.sandbox.kinds import EVENT, LEASE, Kind
from console.sandbox.objects import Obj
from console.sandbox.status import gone

_HISTORY = 20_000
_BACKLOG = 10_000

Key = tuple[str, str]
"""An object's namespace (empty for cluster-wide kinds) and name."""


class Entry(msgspec.Struct, frozen=True):
    """A stored object and its encoding, both without apiVersion and kind; never changed."""

    obj: Obj
    raw: bytes

    @property
    def revision(self) -> str:
        return str(self.obj["metadata"]["resourceVersion"])

    def full(self, kind: Kind) -> bytes:
        """Encode it with its kind, as a get answers."""
        return b'{"kind":"%s","apiVersion":"%s",%s' % (
            kind.name.encode(),
            kind.api_version.encode(),
            self.raw[1:],
        )

    def copy(self) -> Obj:
        """Make a copy that may be changed."""
        found: Obj = msgspec.json.decode(self.raw)
        return found


def entry(obj: Obj) -> Entry:
    """Freeze an object; whoever made it leaves it alone from now on."""
    return Entry(obj, msgspec.json.encode(obj))


class Change(msgspec.Struct, frozen=True):
    """One step of history: what stood before and after."""

    revision: int
    key: Key
    old: Entry | None
    new: Entry | None
    last: Entry
    """The state to tell of: the new one, or the last one under the deletion's revision."""


Queue = asyncio.Queue[Change | None]


class Store:
    """Objects by kind and key, with a revision for every change."""

    def __init__(self, kinds: tuple[Kind, ...]) -> None:
        self.kinds = kinds
        self.revision = 1000
        self.compacted = self.revision
        self._objects: dict[str, dict[Key, Entry]] = {}
        self._history: dict[str, list[Change]] = {}
        self._watchers: dict[str, set[Queue]] = {}
        self.touched: dict[str, int] = {}
        """Each namespace's latest revision, events and leases left out."""

    def get(self, kind: Kind, namespace: str, name: str) -> Entry | None:
        return self._objects.get(kind.id, {}).get((namespace, name))

    def entries(self, kind: Kind, namespace: str = "") -> Iterator[Entry]:
        """Walk a kind's objects in no particular order."""
        for (found, _), one in self._objects.get(kind.id, {}).items():
            if not namespace or found == namespace:
                yield one

    def objects(self, kind: Kind, namespace: str = "") -> Iterator[Obj]:
        """Walk a kind's objects; read only."""
        return (one.obj for one in self.entries(kind, namespace))

    def count(self, kind: Kind, namespace: str) -> int:
        return sum(1 for _ in self.entries(kind, namespace))

    def put(self, kind: Kind, obj: Obj) -> Entry:
        """Store a new state under the next revision."""
        self.revision += 1
        obj["metadata"]["resourceVersion"] = str(self.revision)
        key = (obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
        objects = self._objects.setdefault(kind.id, {})
        old, new = objects.get(key), entry(obj)
        objects[key] = new
        self._tell(kind, Change(self.revision, key, old, new, new))
        return new

    def remove(self, kind: Kind, key: Key) -> Entry:
        """Delete an object; its last state carries the deletion's revision."""
        self.revision += 1
        old = self._objects[kind.id].pop(key)
        last = old.copy()
        last["metadata"]["resourceVersion"] = str(self.revision)
        told = entry(last)
        self._tell(kind, Change(self.revision, key, old, None, told))
        return told

    def _tell(self, kind: Kind, change: Change) -> None:
        history = self._history.setdefault(kind.id, [])
        history.append(change)
        if kind not in (EVENT, LEASE):
            self.touched[change.key[0]] = change.revision
        if len(history) > _HISTORY:
            self.compacted = max(self.compacted, history[_HISTORY // 2].revision)
            del history[: _HISTORY // 2]
        for queue in tuple(self._watchers.get(kind.id, ())):
            if queue.full():
                self._watchers[kind.id].discard(queue)
                self.end(queue)
            else:
                queue.put_nowait(change)

    @staticmethod
    def end(queue: Queue) -> None:
        """Close a watcher's queue, at the price of its oldest change when it is full."""
        if queue.full():
            queue.get_nowait()
        queue.put_nowait(None)

    def compact(self) -> None:
        """Forget history up to now, as etcd does."""
        self.compacted = self.revision
        self._history.clear()

    def since(self, kind: Kind, revision: int) -> list[Change]:
        """Replay a kind's changes after a revision; 410 when they are forgotten."""
        if revision < self.compacted:
            raise gone(f"too old resource version: {revision} ({self.compacted})")
        return [one for one in self._history.get(kind.id, ()) if one.revision > revision]

    def subscribe(self, kind: Kind) -> tuple[Queue, Callable[[], None]]:
        """Open a queue of changes to come (None: too slow, closed) and how to close it."""
        queue: Queue = asyncio.Queue(_BACKLOG)
        watchers = self._watchers.setdefault(kind.id, set())
        watchers.add(queue)
        return queue, lambda: watchers.discard(queue)

    def snapshot(self, kind: Kind, revision: int) -> dict[Key, Entry]:
        """Rebuild a kind's objects as they were at a revision."""
        objects = dict(self._objects.get(kind.id, {}))
        if revision >= self.revision:
            return objects
        for change in reversed(self.since(kind, revision)):
            if change.old is None:
                objects.pop(change.key, None)
            else:
                objects[change.key] = change.old
        return objects
