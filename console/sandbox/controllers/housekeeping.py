"""Namespaces that end, owners that are gone, quotas that are used, events that are old."""

from collections.abc import Callable, Iterable

from console.sandbox import admission
from console.sandbox.controllers.world import MANAGER, World
from console.sandbox.kinds import EVENT, NAMESPACE, QUOTA, Kind
from console.sandbox.objects import Obj, seconds_since
from console.sandbox.registry import DeleteOptions
from console.sandbox.store import Entry

_EVENT_SECONDS = 3600


class Housekeeper:
    """Keeps one cluster tidy."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._counted: dict[str, int] = {}
        self._collected = 0

    def reconcile(self) -> None:
        """Do one round."""
        self._end_namespaces()
        self._collect()
        self._count_quotas()

    def forget_events(self) -> None:
        """Drop events past their life."""
        for event in tuple(self._world.store.entries(EVENT)):
            if seconds_since(event.obj["lastTimestamp"]) > _EVENT_SECONDS:
                self._delete(EVENT, event)

    def _delete(self, kind: Kind, found: Entry, grace: int | None = None) -> None:
        meta = found.obj["metadata"]
        self._world.registry.delete(
            kind, meta.get("namespace", ""), meta["name"], DeleteOptions(grace=grace), MANAGER
        )

    def _end_namespaces(self) -> None:
        for found in tuple(self._world.store.entries(NAMESPACE)):
            if not found.obj["metadata"].get("deletionTimestamp"):
                continue
            name = found.obj["metadata"]["name"]
            left = 0
            for kind in self._world.store.kinds:
                for one in tuple(self._world.store.entries(kind, name)) if kind.namespaced else ():
                    left += 1
                    if not one.obj["metadata"].get("deletionTimestamp"):
                        self._delete(kind, one)
            if not left:
                self._world.registry.change(
                    NAMESPACE, found, lambda obj: obj["spec"].update(finalizers=[]), MANAGER
                )

    def _collect(self) -> None:
        """Delete what only gone owners owned; release owners that waited for it."""
        store = self._world.store
        if self._collected == store.revision:
            return
        self._collected = store.revision
        alive = {
            one.obj["metadata"]["uid"]: one for kind in store.kinds for one in store.entries(kind)
        }
        for kind in store.kinds:
            if kind is EVENT:
                continue
            for one in tuple(store.entries(kind)):
                self._collect_one(kind, one, alive)
        self._release()

    def _collect_one(self, kind: Kind, one: Entry, alive: dict[str, Entry]) -> None:
        meta = one.obj["metadata"]
        owners = meta.get("ownerReferences") or ()
        if not owners or meta.get("deletionTimestamp"):
            return
        found = [alive[ref["uid"]].obj for ref in owners if ref["uid"] in alive]
        if any("orphan" in (owner["metadata"].get("finalizers") or ()) for owner in found):
            self._world.registry.change(
                kind, one, lambda obj: obj["metadata"].pop("ownerReferences"), MANAGER
            )
        elif all("foregroundDeletion" in (x["metadata"].get("finalizers") or ()) for x in found):
            self._delete(kind, one)

    def _release(self) -> None:
        owned = {
            ref["uid"]
            for kind in self._world.store.kinds
            for one in self._world.store.objects(kind)
            for ref in one["metadata"].get("ownerReferences") or ()
        }
        for kind in self._world.store.kinds:
            for one in tuple(self._world.store.entries(kind)):
                marks = set(one.obj["metadata"].get("finalizers") or ())
                mine = marks & {"foregroundDeletion", "orphan"}
                if mine and one.obj["metadata"]["uid"] not in owned:
                    self._world.registry.change(kind, one, _without_finalizers(mine), MANAGER)

    def _count_quotas(self) -> None:
        store = self._world.store
        for quota in tuple(store.entries(QUOTA)):
            namespace = quota.obj["metadata"]["namespace"]
            hard = quota.obj["spec"].get("hard") or {}
            used = admission.written(admission.usage(store, namespace, hard))
            self._world.set_status(QUOTA, quota, {"hard": hard, "used": used})


def _without_finalizers(mine: Iterable[str]) -> Callable[[Obj], None]:
    def edit(obj: Obj) -> None:
        kept = [one for one in obj["metadata"]["finalizers"] if one not in mine]
        obj["metadata"]["finalizers"] = kept

    return edit
