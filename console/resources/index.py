"""Joins between kinds: records of one kind by something they point at, kept until they change."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from console.record import Record
from console.resources.shapes import Event, Node, Pod
from console.store import Snapshot

R = TypeVar("R", bound=Record)


class Index(Generic[R]):
    """Finds records of one kind of one cluster by a value of theirs."""

    def __init__(self, kind: str, by: Callable[[R], Hashable]) -> None:
        self._kind = kind
        self._by = by
        self._built: WeakKeyDictionary[Snapshot, dict[str, tuple[int, dict[Hashable, list[R]]]]] = (
            WeakKeyDictionary()
        )

    def find(self, look: Snapshot, cluster: str, value: Hashable) -> list[R]:
        """Return the records whose value is this one."""
        clusters = self._built.setdefault(look, {})
        version = look.version((self._kind,))
        built = clusters.get(cluster)
        if built is None or built[0] != version:
            built = (version, self._build(look, cluster))
            clusters[cluster] = built
        return built[1].get(value, [])

    def _build(self, look: Snapshot, cluster: str) -> dict[Hashable, list[R]]:
        places: dict[Hashable, list[R]] = {}
        for record in look.rows(self._kind, {cluster}):
            value = self._by(record)  # type: ignore[arg-type]  # tables hold one kind each
            places.setdefault(value, []).append(record)  # type: ignore[arg-type]
        return places


PODS_BY_NODE: Index[Pod] = Index("pod", lambda pod: pod.node)
PODS_BY_OWNER: Index[Pod] = Index(
    "pod", lambda pod: (pod.key.namespace, pod.owner_kind, pod.owner_name)
)
EVENTS_BY_SUBJECT: Index[Event] = Index(
    "event", lambda event: (event.about_kind, event.about_namespace, event.about_name)
)
NODES_BY_GROUP: Index[Node] = Index("node", lambda node: node.group)
