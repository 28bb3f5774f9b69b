"""The way in: create, update, patch, apply and delete, as the API server does them."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import msgspec

from console.sandbox import admission, fields
from console.sandbox.clock import CLOCK
from console.sandbox.kinds import CONFIG_MAP, NAMESPACE, POD, Kind
from console.sandbox.objects import Obj, dig, now, stamp, suffix
from console.sandbox.status import (
    ApiError,
    already_exists,
    conflict,
    forbidden,
    invalid,
    not_found,
)
from console.sandbox.store import Entry, Store, entry

_KEPT = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")


class Writer(msgspec.Struct, frozen=True):
    """Who writes, and whether it is meant."""

    manager: str
    dry_run: bool = False
    force: bool = False


class DeleteOptions(msgspec.Struct, frozen=True):
    """How to delete."""

    propagation: str = "Background"
    grace: int | None = None
    uid: str = ""
    revision: str = ""


class Registry:
    """Writes objects of one cluster; every refusal is an ApiError."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def read(self, kind: Kind, namespace: str, name: str) -> Entry:
        """Find an object or refuse with 404."""
        found = self.store.get(kind, namespace, name)
        if found is None:
            raise not_found(kind.plural, kind.group, name)
        return found

    def create(self, kind: Kind, namespace: str, obj: Obj, by: Writer) -> Entry:
        """Store a new object."""
        new = self._new(kind, namespace, obj)
        fields.updated(kind, None, new, fields.Manager(by.manager, "Update", kind.api_version))
        return entry(new) if by.dry_run else self.store.put(kind, new)

    def _new(self, kind: Kind, namespace: str, obj: Obj) -> Obj:
        new = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind")}
        meta = new["metadata"] = dict(new.get("metadata") or {})
        if meta.get("resourceVersion"):
            raise ApiError(500, "resourceVersion should not be set on objects to be created")
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"] + suffix()
        _check_name(kind, meta)
        if kind.namespaced:
            meta["namespace"] = _same_namespace(meta, namespace)
            self._check_namespace(kind, meta)
        if self.store.get(kind, namespace, meta["name"]):
            raise already_exists(kind.plural, kind.group, meta["name"])
        if "status" in kind.subresources:
            new.pop("status", None)
            if (status := admission.first_status(kind)) is not None:
                new["status"] = status
        meta |= {"uid": str(uuid.uuid4()), "creationTimestamp": now()}
        if kind.generation:
            meta["generation"] = 1
        admission.default(kind, new)
        admission.validate(kind, new, None)
        admission.admit(self.store, kind, new)
        return new

    def _check_namespace(self, kind: Kind, meta: Obj) -> None:
        home = self.store.get(NAMESPACE, "", meta["namespace"])
        if home is None:
            raise not_found("namespaces", "", meta["namespace"])
        if home.obj["metadata"].get("deletionTimestamp"):
            name = meta["namespace"]
            why = f"unable to create new content in namespace {name} because it is being terminated"
            text = f"namespace {name} is being terminated"
            cause = {
                "reason": "NamespaceTerminating",
                "message": text,
                "field": "metadata.namespace",
            }
            raise forbidden(kind.plural, kind.group, meta["name"], why, [cause])

    def update(self, kind: Kind, obj: Obj, by: Writer, *, subresource: str = "") -> Entry:
        """Replace an object, or the part of it that a subresource names."""
        meta = obj["metadata"]
        namespace = meta.get("namespace", "") if kind.namespaced else ""
        old = self.read(kind, namespace, meta["name"])
        self._check_moved(kind, old, meta)
        new = _carried(kind, old, obj, subresource)
        manager = fields.Manager(by.manager, "Update", kind.api_version, subresource)
        return self._store(kind, old, new, by, lambda: fields.updated(kind, old.obj, new, manager))

    def change(
        self,
        kind: Kind,
        found: Entry,
        edit: Callable[[Obj], None],
        by: Writer,
        *,
        subresource: str = "",
    ) -> Entry:
        """Edit a copy of an object and store it."""
        new = found.copy()
        edit(new)
        return self.update(kind, new, by, subresource=subresource)

    def set_status(self, kind: Kind, found: Entry, status: Obj, by: Writer) -> Entry:
        """Replace an object's status."""
        new = {**found.obj, "status": status}
        return self.update(kind, new, by, subresource="status")

    def _check_moved(self, kind: Kind, old: Entry, meta: Obj) -> None:
        asked = meta.get("resourceVersion", "")
        if not asked and not kind.unconditional:
            problem = "Invalid value: 0: must be specified for an update"
            raise invalid(
                kind.id,
                "",
                meta["name"],
                ("metadata.resourceVersion", "FieldValueInvalid", problem),
            )
        if asked and asked != old.revision:
            raise conflict(kind.plural, kind.group, meta["name"])
        _check_uid(kind, old, meta.get("uid", ""))

    def _store(
        self, kind: Kind, old: Entry, new: Obj, by: Writer, own: Callable[[], None]
    ) -> Entry:
        if new.get("spec") is not old.obj.get("spec"):
            admission.default(kind, new)
            admission.validate(kind, new, old.obj)
        if kind is CONFIG_MAP and old.obj.get("immutable"):
            problem = "Forbidden: field is immutable when `immutable` is set"
            raise invalid(
                kind.name, "", new["metadata"]["name"], ("data", "FieldValueForbidden", problem)
            )
        if kind.generation and new.get("spec") != old.obj.get("spec"):
            new["metadata"]["generation"] = old.obj["metadata"].get("generation", 0) + 1
        own()
        if new == old.obj:
            return old
        if by.dry_run:
            return entry(new)
        stored = self.store.put(kind, new)
        meta = new["metadata"]
        ending = meta.get("deletionTimestamp") and not _finalized(kind, new)
        if ending and not (kind is POD and meta.get("deletionGracePeriodSeconds")):
            self._remove(kind, stored)
        return stored

    def apply(
        self, kind: Kind, namespace: str, config: Obj, by: Writer, *, subresource: str = ""
    ) -> tuple[Entry, bool]:
        """Apply a configuration server-side; tell also whether that created it."""
        if dig(config, "metadata", "managedFields"):
            raise ApiError(400, "metadata.managedFields must be nil")
        name = config["metadata"]["name"]
        old = self.store.get(kind, namespace, name)
        manager = fields.Manager(by.manager, "Apply", kind.api_version, subresource)
        live = old.copy() if old else None
        merged, owned = fields.applied(kind, live, config, manager, force=by.force)
        if old is None:
            new = self._new(kind, namespace, merged)
            fields.write(new, owned)
            return (entry(new) if by.dry_run else self.store.put(kind, new)), True
        asked = dig(config, "metadata", "resourceVersion") or ""
        if asked and asked != old.revision:
            raise conflict(kind.plural, kind.group, name)
        new = _carried(kind, old, merged, subresource)
        return self._store(kind, old, new, by, lambda: fields.write(new, owned)), False

    def delete(
        self, kind: Kind, namespace: str, name: str, options: DeleteOptions, by: Writer
    ) -> tuple[Entry, bool]:
        """Delete an object; tell also whether it is gone already."""
        old = self.read(kind, namespace, name)
        found = old.obj["metadata"]["uid"]
        if options.uid and options.uid != found:
            why = (
                f"the UID in the precondition ({options.uid}) does not match the UID in record"
                f" ({found}). The object might have been deleted and then recreated"
            )
            raise conflict(kind.name, kind.group, name, why)
        if options.revision and options.revision != old.revision:
            why = (
                f"the ResourceVersion in the precondition ({options.revision}) does not match the"
                f" ResourceVersion in record ({old.revision}). The object might have been modified"
            )
            raise conflict(kind.name, kind.group, name, why)
        grace = _grace(kind, old.obj, options)
        held = _finalized(kind, old.obj) or options.propagation in ("Foreground", "Orphan")
        if by.dry_run:
            return old, not held and not grace
        if not held and not grace:
            return self._remove(kind, old), True
        if old.obj["metadata"].get("deletionTimestamp") and grace:
            return old, False
        new = old.copy()
        _mark_deleted(new, grace, options.propagation)
        if kind is NAMESPACE:
            new["status"] = {**new.get("status", {}), "phase": "Terminating"}
        return self.store.put(kind, new), False

    def _remove(self, kind: Kind, old: Entry) -> Entry:
        meta = old.obj["metadata"]
        return self.store.remove(kind, (meta.get("namespace", ""), meta["name"]))


def _check_name(kind: Kind, meta: Obj) -> None:
    name = meta.get("name", "")
    if not name:
        text = "Required value: name or generateName is required"
        raise invalid(kind.name, kind.group, "", ("metadata.name", "FieldValueRequired", text))
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789-" + ("" if kind is NAMESPACE else "."))
    if not set(name) <= allowed or not (name[0].isalnum() and name[-1].isalnum()):
        text = (
            f'Invalid value: "{name}": a lowercase RFC 1123 subdomain must consist of lower case'
            " alphanumeric characters, '-' or '.', and must start and end with an alphanumeric"
            " character (e.g. 'example.com', regex used for validation is"
            r" '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        )
        raise invalid(kind.name, kind.group, name, ("metadata.name", "FieldValueInvalid", text))


def _same_namespace(meta: Obj, namespace: str) -> str:
    if meta.get("namespace", namespace) != namespace:
        raise ApiError(
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        )
    return namespace


def _check_uid(kind: Kind, old: Entry, uid: str) -> None:
    meta = old.obj["metadata"]
    if uid and uid != meta["uid"]:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {meta['uid']}"
        raise conflict(kind.plural, kind.group, meta["name"], why)


def _carried(kind: Kind, old: Entry, obj: Obj, subresource: str) -> Obj:
    """Take from a written object only what that way of writing may change."""
    before = old.obj
    if subresource == "status":
        meta = {**before["metadata"], "managedFields": obj["metadata"].get("managedFields")}
        return {**before, "metadata": meta, "status": obj.get("status") or {}}
    new = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind")}
    if "status" in kind.subresources:
        new.pop("status", None)
        if "status" in before:
            new["status"] = before["status"]
    meta = new["metadata"] = dict(new["metadata"])
    for name in (*_KEPT, "generation", "resourceVersion", "generateName", "namespace"):
        if name in before["metadata"]:
            meta[name] = before["metadata"][name]
        else:
            meta.pop(name, None)
    return new


def _finalized(kind: Kind, obj: Obj) -> bool:
    """Tell whether finalizers keep a deleted object in place."""
    own = obj["metadata"].get("finalizers")
    return bool(own or (kind is NAMESPACE and dig(obj, "spec", "finalizers")))


def _grace(kind: Kind, obj: Obj, options: DeleteOptions) -> int:
    if kind is not POD or not dig(obj, "spec", "nodeName"):
        return 0
    own: int = dig(obj, "spec", "terminationGracePeriodSeconds") or 0
    return own if options.grace is None else options.grace


def _mark_deleted(obj: Obj, grace: int, propagation: str) -> None:
    meta = obj["metadata"]
    meta.setdefault("deletionTimestamp", stamp(CLOCK.now() + timedelta(seconds=grace)))
    meta["deletionGracePeriodSeconds"] = grace
    finalizer = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}.get(propagation)
    if finalizer and finalizer not in meta.setdefault("finalizers", []):
        meta["finalizers"].append(finalizer)
