"""The three patches that carry values: JSON, merge, and strategic merge."""

import copy
from typing import Any

from console.sandbox.kinds import PATCH_ONLY_KEYS, list_keys
from console.sandbox.objects import Obj
from console.sandbox.status import ApiError

_REFUSED = "the server rejected our request due to an error in our request"


def merge_patch(target: Any, patch: Any) -> Any:
    """Apply an RFC 7386 merge patch."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def json_patch(target: Obj, operations: Any) -> Obj:
    """Apply an RFC 6902 patch."""
    if not isinstance(operations, list):
        raise ApiError(400, "error decoding patch: json: cannot unmarshal object into Go value")
    tree: Any = copy.deepcopy(target)
    try:
        for operation in operations:
            tree = _operate(tree, operation)
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise ApiError(422, _REFUSED) from error
    return dict(tree)


def _operate(tree: Any, operation: Obj) -> Any:
    path = _pointer(operation["path"])
    match operation["op"]:
        case "test":
            if _at(tree, path) != operation["value"]:
                raise ValueError(operation["path"])
        case "remove":
            _remove(tree, path)
        case "replace":
            _at(tree, path[:-1])
            return _place(tree, path, operation["value"], replace=True)
        case "add":
            return _place(tree, path, operation["value"])
        case "move":
            moved = _remove(tree, _pointer(operation["from"]))
            return _place(tree, path, moved)
        case "copy":
            return _place(tree, path, copy.deepcopy(_at(tree, _pointer(operation["from"]))))
        case unknown:
            raise ValueError(unknown)
    return tree


def _pointer(text: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _at(tree: Any, path: list[str]) -> Any:
    for part in path:
        tree = tree[int(part)] if isinstance(tree, list) else tree[part]
    return tree


def _remove(tree: Any, path: list[str]) -> Any:
    parent = _at(tree, path[:-1])
    return parent.pop(int(path[-1]) if isinstance(parent, list) else path[-1])


def _place(tree: Any, path: list[str], value: Any, *, replace: bool = False) -> Any:
    if not path:
        return value
    parent, last = _at(tree, path[:-1]), path[-1]
    if not isinstance(parent, list):
        parent[last] = value
    elif last == "-":
        parent.append(value)
    elif replace:
        parent[int(last)] = value
    elif int(last) <= len(parent):
        parent.insert(int(last), value)
    else:
        raise IndexError(last)
    return tree


def strategic_patch(target: Any, patch: Obj, name: str = "") -> Obj:
    """Apply a strategic merge patch: maps merge, keyed lists merge by key."""
    directive = patch.get("$patch")
    if directive == "delete":
        return {}
    merged = {} if directive == "replace" or not isinstance(target, dict) else dict(target)
    if "$retainKeys" in patch:
        merged = {key: value for key, value in merged.items() if key in patch["$retainKeys"]}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            field = key.partition("/")[2]
            merged[field] = [one for one in merged.get(field) or [] if one not in value]
        elif key.startswith("$"):
            continue
        elif value is None:
            merged.pop(key, None)
        else:
            merged[key] = _strategic_value(merged.get(key), value, name, key)
    return merged


def _strategic_value(old: Any, new: Any, parent: str, name: str) -> Any:
    if isinstance(new, dict):
        return strategic_patch(old, new, name)
    if not isinstance(new, list):
        return new
    if name == "finalizers":
        return [*(old or []), *(one for one in new if one not in (old or []))]
    keys = list_keys(parent, name)[:1] or PATCH_ONLY_KEYS.get(name)
    return _merge_items(old or [], new, keys[0], name) if keys else new


def _merge_items(old: list[Any], new: list[Any], key: str, name: str) -> list[Any]:
    if any(one.get("$patch") == "replace" for one in new):
        return [one for one in new if "$patch" not in one]
    items = {one.get(key): one for one in old}
    for one in new:
        if key not in one:
            raise ApiError(
                400, f"map: {one} does not contain declared merge key: {key}", reason="BadRequest"
            )
        if one.get("$patch") == "delete":
            items.pop(one[key], None)
        else:
            items[one[key]] = strategic_patch(items.get(one[key]), one, name)
    return list(items.values())
