"""The JSON Schemas that this program exports: of what it reads, and of each `-o json`."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from console.config import FleetFile

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def fleet_schema() -> dict[str, Any]:
    """Return the JSON Schema of fleet.yaml, with the fields' docstrings for editors."""
    schema = msgspec.json.schema(FleetFile)
    for shape in _structs(FleetFile):
        part = schema["$defs"][shape.__name__]
        for name, text in _field_docs(shape).items():
            part["properties"][name]["description"] = text
    return {
        "$schema": _DRAFT,
        "title": "shifu-console fleet.yaml",
        **schema,
    }


def _get() -> dict[str, Any]:
    from console.cli.output import get_schema

    return get_schema()


def _acting(name: str) -> Callable[[], dict[str, Any]]:
    def schema() -> dict[str, Any]:
        from console.cli.acting import schemas

        return schemas()[name]

    return schema


def _doctor() -> dict[str, Any]:
    from console.cli.examination import Report

    return {"$schema": _DRAFT, "title": "shifu-console doctor", **msgspec.json.schema(Report)}


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "fleet": fleet_schema,
    "get": _get,
    "plan": _acting("plan"),
    "run": _acting("run"),
    "runs": _acting("runs"),
    "doctor": _doctor,
}
"""What `config schema` can print, by name; each loads its module when it is asked for."""


def _structs(shape: Any) -> Iterator[type[msgspec.Struct]]:
    """Walk a struct and the structs that its fields hold."""
    found = msgspec.inspect.type_info(shape)
    waiting, seen = [found], set[Any]()
    while waiting:
        part = waiting.pop()
        if isinstance(part, msgspec.inspect.StructType) and part.cls not in seen:
            seen.add(part.cls)
            yield part.cls
            waiting += [field.type for field in part.fields]
        waiting += list(getattr(part, "types", ()))
        if inner := getattr(part, "item_type", None):
            waiting.append(inner)


def _field_docs(shape: type[msgspec.Struct]) -> dict[str, str]:
    """Read the docstrings that stand under a struct's fields."""
    names = {field.name: field.encode_name for field in msgspec.structs.fields(shape)}
    tree = ast.parse(textwrap.dedent(inspect.getsource(shape))).body[0]
    assert isinstance(tree, ast.ClassDef)  # noqa: S101  the source of a class
    docs = {}
    for field, below in zip(tree.body, tree.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            docs[names[field.target.id]] = str(below.value.value)
    return docs
