"""Who owns which field: managedFields, server-side apply and its conflicts."""

import copy
import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

from console.sandbox.kinds import ATOMIC, Kind, list_keys
from console.sandbox.objects import Obj, now
from console.sandbox.status import ApiError

Path: TypeAlias = tuple[str, ...]
"""Steps as FieldsV1 writes them: `f:spec`, `k:{"name":"api"}`, `v:"x"`."""

_SERVER_OWNED = frozenset(
    {
        "name",
        "namespace",
        "uid",
        "generateName",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
        "selfLink",
    }
)
_KEY_DEFAULTS = {"protocol": "TCP"}
_MAP, _ITEM = object(), object()


class Manager(msgspec.Struct, frozen=True):
    """Someone who writes, as one managedFields entry names it."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""


Owned: TypeAlias = dict[Manager, tuple[frozenset[Path], str]]
"""Each manager's paths and the time of its entry."""


def leaves(obj: Obj, *, custom: bool) -> dict[Path, Any]:
    """Flatten an object into the values that can be owned."""
    found: dict[Path, Any] = {}
    for name, value in obj.items():
        if name in ("apiVersion", "kind"):
            continue
        if name == "metadata":
            own = {key: one for key, one in value.items() if key not in _SERVER_OWNED}
            for key, one in own.items():
                _walk(found, ("f:metadata", f"f:{key}"), one, "metadata", key, custom=custom)
        else:
            _walk(found, (f"f:{name}",), value, "", name, custom=custom)
    return found


def _walk(
    found: dict[Path, Any], path: Path, value: Any, parent: str, name: str, *, custom: bool
) -> None:
    if isinstance(value, dict) and value and (custom or name not in ATOMIC):
        found[path] = _MAP
        for key, one in value.items():
            _walk(found, (*path, f"f:{key}"), one, name, key, custom=custom)
    elif isinstance(value, list) and name == "finalizers":
        found.update({(*path, f"v:{json.dumps(one)}"): one for one in value})
    elif isinstance(value, list) and (keys := _keys(parent, name, custom=custom)):
        for item in value:
            at = (*path, _item_step(item, keys))
            found[at] = _ITEM
            for key, one in item.items():
                _walk(found, (*at, f"f:{key}"), one, name, key, custom=custom)
    else:
        found[path] = value


def _keys(parent: str, name: str, *, custom: bool) -> tuple[str, ...]:
    return () if custom and parent != "metadata" else list_keys(parent, name)


def _item_step(item: Obj, keys: Iterable[str]) -> str:
    chosen = {key: item.get(key, _KEY_DEFAULTS.get(key)) for key in keys}
    return "k:" + json.dumps(chosen, separators=(",", ":"), sort_keys=True)


def read(obj: Obj) -> Owned:
    """Read an object's managedFields."""
    return {
        Manager(
            one.get("manager", ""),
            one["operation"],
            one.get("apiVersion", ""),
            one.get("subresource", ""),
        ): (_parsed(msgspec.json.encode(one.get("fieldsV1") or {})), one.get("time", ""))
        for one in obj["metadata"].get("managedFields") or ()
    }


@lru_cache(1024)
def _parsed(trie: bytes) -> frozenset[Path]:
    return frozenset(_paths(msgspec.json.decode(trie), ()))


def _paths(trie: Obj, prefix: Path) -> Iterable[Path]:
    for step, below in trie.items():
        if step == ".":
            yield prefix
        elif below:
            yield from _paths(below, (*prefix, step))
        else:
            yield (*prefix, step)


def write(obj: Obj, owned: Owned) -> None:
    """Write an object's managedFields; managers of nothing are left out."""
    entries = [
        {
            "manager": manager.name,
            "operation": manager.operation,
            "apiVersion": manager.api_version,
            "time": time,
            "fieldsType": "FieldsV1",
            "fieldsV1": msgspec.json.decode(_trie(paths)),
            **({"subresource": manager.subresource} if manager.subresource else {}),
        }
        for manager, (paths, time) in owned.items()
        if paths
    ]
    obj["metadata"].pop("managedFields", None)
    if entries:
        obj["metadata"]["managedFields"] = sorted(
            entries, key=lambda one: (one["operation"], str(one["time"]), str(one["manager"]))
        )


@lru_cache(1024)
def _trie(paths: frozenset[Path]) -> bytes:
    trie: Obj = {}
    for path in sorted(paths):
        at = trie
        for depth, step in enumerate(path):
            if depth and path[:depth] in paths:
                at.setdefault(".", {})
            at = at.setdefault(step, {})
    return msgspec.json.encode(trie)


def updated(kind: Kind, old: Obj | None, new: Obj, manager: Manager) -> None:
    """Give a writer the fields it changed, and take them from everyone else."""
    if old and new["metadata"].get("managedFields") == []:
        old = {**old, "metadata": {**old["metadata"], "managedFields": []}}
    before, after = _different(kind, old or {}, new)
    changed = {path for path, value in after.items() if before.get(path, before) != value}
    lost = before.keys() - after.keys()
    owned = read(old or {"metadata": {}})
    kept = _without(owned, changed | lost)
    if changed:
        mine, since = owned.get(manager, (frozenset(), ""))
        grown = frozenset((mine | changed) - lost)
        kept[manager] = (grown, since if grown == mine else now())
    if kept == owned and old:
        _keep(new, old)
    else:
        write(new, kept)


def _keep(new: Obj, old: Obj) -> None:
    new["metadata"].pop("managedFields", None)
    if found := old["metadata"].get("managedFields"):
        new["metadata"]["managedFields"] = found


def _different(kind: Kind, old: Obj, new: Obj) -> tuple[dict[Path, Any], dict[Path, Any]]:
    """Flatten only the top-level parts that are not the same."""
    names = [name for name in {*old, *new} if old.get(name) != new.get(name)]
    return (
        leaves({name: old[name] for name in names if name in old}, custom=kind.custom),
        leaves({name: new[name] for name in names if name in new}, custom=kind.custom),
    )


def _without(owned: Owned, taken: set[Path]) -> Owned:
    return {
        manager: (paths - taken if paths & taken else paths, time)
        for manager, (paths, time) in owned.items()
        if paths - taken
    }


def applied(
    kind: Kind, live: Obj | None, config: Obj, manager: Manager, *, force: bool
) -> tuple[Obj, Owned]:
    """Merge an applied configuration into the live object; conflicts are refused."""
    before = leaves(live, custom=kind.custom) if live else {}
    wanted = {
        path: value
        for path, value in leaves(config, custom=kind.custom).items()
        if value is not _MAP
    }
    owned = read(live or {"metadata": {}})
    others = {who: paths for who, (paths, _) in owned.items() if who != manager}
    changed = {path for path, value in wanted.items() if before.get(path, before) != value}
    conflicts = [(who, path) for who, paths in others.items() for path in sorted(paths & changed)]
    if conflicts and not force:
        raise _conflict(kind, config["metadata"]["name"], conflicts)
    merged = overlay(live or {}, config, custom=kind.custom)
    mine, since = owned.get(manager, (frozenset(), ""))
    dropped = mine - wanted.keys()
    for path in sorted(dropped, key=len):
        if not _is_key(path) and not any(
            _covers(path, other) for paths in others.values() for other in paths
        ):
            _delete(merged, path)
    lost = before.keys() - leaves(merged, custom=kind.custom).keys()
    kept = _without(owned, changed | lost)
    kept.pop(manager, None)
    kept[manager] = (frozenset(wanted), since if mine == wanted.keys() and since else now())
    return merged, kept


def _is_key(path: Path) -> bool:
    """Tell whether a path is one of the fields by which its list item is known."""
    return len(path) > 1 and path[-2].startswith("k:") and path[-1][2:] in json.loads(path[-2][2:])


def _covers(path: Path, other: Path) -> bool:
    return other[: len(path)] == path


def overlay(live: Any, config: Any, parent: str = "", name: str = "", *, custom: bool) -> Any:
    """Lay a configuration over a value, merging what merges."""
    if isinstance(config, dict) and isinstance(live, dict) and (custom or name not in ATOMIC):
        merged = dict(live)
        for key, value in config.items():
            old = live.get(key)
            merged[key] = overlay(old, value, name, key, custom=custom)
        return merged
    if isinstance(config, list) and isinstance(live, list):
        if name == "finalizers":
            return [*live, *(one for one in config if one not in live)]
        if keys := _keys(parent, name, custom=custom):
            items = {_item_step(one, keys): one for one in live}
            for one in config:
                at = _item_step(one, keys)
                items[at] = overlay(items.get(at, {}), one, parent, name, custom=custom)
            return list(items.values())
    return copy.deepcopy(config)


def _delete(tree: Any, path: Path) -> None:
    for step in path[:-1]:
        tree = _step(tree, step)
        if tree is None:
            return
    last = path[-1]
    if last.startswith("f:") and isinstance(tree, dict):
        tree.pop(last[2:], None)
    elif isinstance(tree, list):
        found = _step(tree, last)
        tree[:] = [one for one in tree if one is not found and one != found]


def _step(tree: Any, step: str) -> Any:
    if step.startswith("f:"):
        return tree.get(step[2:]) if isinstance(tree, dict) else None
    wanted = json.loads(step[2:])
    for one in tree if isinstance(tree, list) else ():
        if one == wanted or (
            isinstance(wanted, dict)
            and isinstance(one, dict)
            and all(one.get(key, _KEY_DEFAULTS.get(key)) == value for key, value in wanted.items())
        ):
            return one
    return None


def _conflict(kind: Kind, name: str, conflicts: list[tuple[Manager, Path]]) -> ApiError:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f"conflict with {_described(manager)}",
            "field": written(path),
        }
        for manager, path in conflicts
    ]
    if len(conflicts) == 1:
        manager, path = conflicts[0]
        text = f"1 conflict: conflict with {_described(manager)}: {written(path)}"
    else:
        lines = []
        for manager in sorted({who for who, _ in conflicts}, key=_described):
            lines.append(f"conflicts with {_described(manager)}:")
            lines += [f"- {written(path)}" for who, path in conflicts if who == manager]
        text = f"{len(conflicts)} conflicts: " + "\n".join(lines)
    details = {"name": name, "group": kind.group, "kind": kind.plural, "causes": causes}
    return ApiError(
        409, f"Apply failed with {text}", details={k: v for k, v in details.items() if v}
    )


def _described(manager: Manager) -> str:
    text = f'"{manager.name}"'
    if manager.subresource:
        text += f' with subresource "{manager.subresource}"'
    return text if manager.operation == "Apply" else f"{text} using {manager.api_version}"


def written(path: Path) -> str:
    """Write a path as the API server's messages do."""
    text = ""
    for step in path:
        if step.startswith("f:"):
            text += f".{step[2:]}"
        elif step.startswith("k:"):
            keys = json.loads(step[2:])
            text += (
                "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in keys.items()) + "]"
            )
        else:
            text += f"[={step[2:]}]"
    return text
