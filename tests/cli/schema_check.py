"""The part of JSON Schema that our schemas use, checked strictly."""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def violations(value: Any, schema: Schema, root: Schema, at: str = "$") -> list[str]:
    """Return what of a value breaks a schema."""
    if "type" in schema and not _is(value, schema["type"]):
        return [f"{at}: {value!r} is not {schema['type']}"]
    return [
        *_plain(value, schema, at),
        *_combined(value, schema, root, at),
        *_members(value, schema, root, at),
    ]


def _plain(value: Any, schema: Schema, at: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"


def _combined(value: Any, schema: Schema, root: Schema, at: str) -> Iterator[str]:
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        yield from violations(value, root["$defs"][name], root, at)
    if "anyOf" in schema and all(violations(value, one, root, at) for one in schema["anyOf"]):
        yield f"{at}: {value!r} fits none of anyOf"
    for branch in schema.get("allOf", ()):
        if not violations(value, branch["if"], root, at):
            yield from violations(value, branch["then"], root, at)


def _members(value: Any, schema: Schema, root: Schema, at: str) -> Iterator[str]:
    if isinstance(value, dict):
        missing = [name for name in schema.get("required", ()) if name not in value]
        yield from (f"{at}: {name} is missing" for name in missing)
        for name, part in schema.get("properties", {}).items():
            if name in value:
                yield from violations(value[name], part, root, f"{at}.{name}")
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, one in enumerate(value):
            yield from violations(one, schema["items"], root, f"{at}[{index}]")


def _is(value: Any, kind: str | list[str]) -> bool:
    kinds = [kind] if isinstance(kind, str) else kind
    if isinstance(value, bool):
        return "boolean" in kinds
    return any(isinstance(value, _TYPES[one]) for one in kinds)
