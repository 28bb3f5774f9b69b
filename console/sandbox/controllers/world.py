"""What every controller works with: the registry, an index of pods, and events."""

import hashlib
from collections import defaultdict
from collections.abc import Callable

import msgspec

from console.sandbox.clock import CLOCK
from console.sandbox.kinds import EVENT, NAMESPACE, POD, Kind
from console.sandbox.objects import Obj, condition, controller_uid, dig, now, suffix
from console.sandbox.registry import DeleteOptions, Registry, Writer
from console.sandbox.status import MALFORMED, ApiError
from console.sandbox.store import Entry

MANAGER = Writer("kube-controller-manager")
_BACK_OFF_SECONDS = 15.0
_SAFE = "bcdfghjklmnpqrstvwxz2456789"


class World:
    """One cluster as its controllers see it during one pass."""

    def __init__(self, registry: Registry) -> None:
        self.registry, self.store = registry, registry.store
        self.pods: dict[str, list[Entry]] = {}
        self._refused: dict[str, float] = {}
        self.quiet = False
        """Whether events go unrecorded: what happened long ago has none left."""

    def look(self) -> None:
        """Index the pods by their controller."""
        found: defaultdict[str, list[Entry]] = defaultdict(list)
        for pod in self.store.entries(POD):
            found[controller_uid(pod.obj)].append(pod)
        self.pods = found

    def each(self, kind: Kind, step: Callable[["World", Entry], None]) -> None:
        """Take one step with every object of a kind that is not being deleted."""
        for found in tuple(self.store.entries(kind)):
            if found.obj["metadata"].get("deletionTimestamp"):
                continue
            try:
                step(self, found)
            except (ApiError, *MALFORMED) as error:
                self.event(kind, found.obj, "FailedSync", str(error), word="Warning")

    def children(self, kind: Kind, owner: Obj) -> list[Entry]:
        """Find the objects of a kind that an object controls."""
        meta = owner["metadata"]
        return [
            one
            for one in self.store.entries(kind, meta["namespace"])
            if controller_uid(one.obj) == meta["uid"]
        ]

    def active(self, uid: str) -> list[Entry]:
        """Find the pods an object controls that are neither ended nor being deleted."""
        return [
            pod
            for pod in self.pods.get(uid, ())
            if not pod.obj["metadata"].get("deletionTimestamp")
            and dig(pod.obj, "status", "phase") not in ("Succeeded", "Failed")
        ]

    def set_status(self, kind: Kind, found: Entry, status: Obj, by: Writer = MANAGER) -> Entry:
        """Write a status if it differs."""
        if found.obj.get("status") == status:
            return found
        return self.registry.set_status(kind, found, status, by)

    def create_pod(self, owner_kind: Kind, owner: Obj, pod: Obj) -> ApiError | None:
        """Create a pod for its controller; a refusal becomes an event and is returned."""
        meta = owner["metadata"]
        try:
            made = self.registry.create(POD, meta["namespace"], pod, MANAGER)
        except ApiError as error:
            self.event(
                owner_kind, owner, "FailedCreate", f"Error creating: {error}", word="Warning"
            )
            self._refused[meta["uid"]] = CLOCK.seconds()
            return error
        name = made.obj["metadata"]["name"]
        self.pods[meta["uid"]] = [*self.pods.get(meta["uid"], ()), made]
        self.event(owner_kind, owner, "SuccessfulCreate", f"Created pod: {name}")
        return None

    def backs_off(self, uid: str) -> bool:
        """Tell whether a controller was refused a pod a moment ago."""
        return CLOCK.seconds() - self._refused.get(uid, 0.0) < _BACK_OFF_SECONDS

    def delete_pod(self, owner_kind: Kind, owner: Obj, pod: Entry) -> None:
        """Delete a controller's pod."""
        meta = pod.obj["metadata"]
        name = meta["name"]
        self.registry.delete(POD, meta["namespace"], name, DeleteOptions(), MANAGER)
        self.event(owner_kind, owner, "SuccessfulDelete", f"Deleted pod: {name}")

    def event(
        self,
        kind: Kind,
        about: Obj,
        reason: str,
        message: str,
        *,
        word: str = "Normal",
        source: str = "",
    ) -> None:
        """Record an event, or count up the same one."""
        if self.quiet:
            return
        meta = about["metadata"]
        namespace = meta.get("namespace", "default")
        same = reason if word == "Warning" else f"{reason}{message}"
        key = hashlib.sha1(f"{meta['uid']}{same}".encode()).hexdigest()  # noqa: S324 - a name
        name = f"{meta['name']}.{key[:16]}"
        source = source or f"{kind.name.lower()}-controller"
        old = self.store.get(EVENT, namespace, name)
        by = Writer(source)
        if old:
            self.registry.change(EVENT, old, lambda event: _again(event, message), by)
            return
        body = {
            "metadata": {"name": name},
            "involvedObject": {
                "kind": kind.name,
                "apiVersion": kind.api_version,
                "name": meta["name"],
                "uid": meta["uid"],
                **({"namespace": namespace} if kind.namespaced else {}),
            },
            "reason": reason,
            "message": message,
            "type": word,
            "count": 1,
            "firstTimestamp": now(),
            "lastTimestamp": now(),
            "eventTime": None,
            "source": {"component": source},
            "reportingComponent": source,
            "reportingInstance": "",
        }
        home = self.store.get(NAMESPACE, "", namespace)
        if home is not None and not home.obj["metadata"].get("deletionTimestamp"):
            self.registry.create(EVENT, namespace, body, by)


def _again(event: Obj, message: str) -> None:
    event["message"] = message
    event["count"] = event.get("count", 1) + 1
    event["lastTimestamp"] = now()


def template_hash(template: Obj) -> str:
    """Name a pod template by its content, in letters fit for names."""
    digest = hashlib.sha1(msgspec.json.encode(template, order="deterministic")).digest()  # noqa: S324
    return "".join(_SAFE[byte % len(_SAFE)] for byte in digest[:10])


def pod_from(template: Obj, owner: Obj, *, name: str = "", labels: Obj | None = None) -> Obj:
    """Make a pod of a template, owned by its controller."""
    meta = dict(template.get("metadata") or {})
    meta["labels"] = {**(meta.get("labels") or {}), **(labels or {})}
    meta["ownerReferences"] = [owner]
    meta["name"] = name or f"{owner['name']}-{suffix()}"
    if not name:
        meta["generateName"] = f"{owner['name']}-"
    return {"metadata": meta, "spec": msgspec.json.decode(msgspec.json.encode(template["spec"]))}


def is_ready(pod: Obj) -> bool:
    """Tell whether a pod serves."""
    return (condition(pod, "Ready") or {}).get("status") == "True"


def with_condition(
    status: Obj, kind: str, value: str, reason: str, message: str, **more: str
) -> None:
    """Set a status condition; its transition time moves only when its value flips."""
    conditions = [dict(one) for one in status.get("conditions") or ()]
    old = next((one for one in conditions if one["type"] == kind), None)
    same = old is not None and old["status"] == value
    since = old["lastTransitionTime"] if old is not None and same else now()
    new = {
        "type": kind,
        "status": value,
        "lastTransitionTime": since,
        "reason": reason,
        "message": message,
        **more,
    }
    if old is None:
        conditions.append(new)
    else:
        conditions[conditions.index(old)] = new
    status["conditions"] = conditions
