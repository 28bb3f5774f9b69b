"""How an answer is written: plain objects, Tables, metadata only."""

from typing import Any

import msgspec

from console.sandbox.kinds import Kind
from console.sandbox.objects import Obj
from console.sandbox.status import ApiError
from console.sandbox.store import Entry

JSON = "application/json"


class Form(msgspec.Struct, frozen=True):
    """The shape a client asked for: an object, a Table of rows, or PartialObjectMetadata."""

    shape: str = ""
    include: str = "Metadata"
    discovery: bool = False

    def one(self, kind: Kind, found: Entry) -> bytes:
        """Encode one object."""
        if self.shape == "Table":
            meta = {"resourceVersion": found.revision}
            return msgspec.json.encode(self.table(kind, [found], meta))
        if self.shape:
            return msgspec.json.encode(_partial(found))
        return found.full(kind)

    def many(self, kind: Kind, found: list[Entry], meta: Obj) -> bytes:
        """Encode a list."""
        if self.shape == "Table":
            return msgspec.json.encode(self.table(kind, found, meta))
        if self.shape:
            items = [msgspec.json.encode(_partial(one)) for one in found]
            return _listed("PartialObjectMetadataList", "meta.k8s.io/v1", meta, items)
        items = [one.full(kind) if kind.custom else one.raw for one in found]
        return _listed(f"{kind.name}List", kind.api_version, meta, items)

    def table(self, kind: Kind, found: list[Entry], meta: Obj, *, headed: bool = True) -> Obj:
        """Lay objects out as the rows that kubectl prints."""
        columns = [
            {
                "name": column.name,
                "type": column.type,
                "format": "name" if column.name == "Name" else "",
                "description": column.name,
                "priority": column.priority,
            }
            for column in kind.columns
        ]
        return {
            "kind": "Table",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": meta,
            "columnDefinitions": columns if headed else None,
            "rows": [self._row(kind, one) for one in found],
        }

    def _row(self, kind: Kind, found: Entry) -> Obj:
        row: Obj = {"cells": [column.cell(found.obj) for column in kind.columns]}
        if self.include == "Object":
            row["object"] = msgspec.Raw(found.full(kind))
        elif self.include == "Metadata":
            row["object"] = _partial(found)
        return row


def _partial(found: Entry) -> Obj:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": found.obj["metadata"],
    }


def _listed(kind: str, version: str, meta: Obj, items: list[bytes]) -> bytes:
    return b'{"kind":"%s","apiVersion":"%s","metadata":%s,"items":[%s]}\n' % (
        kind.encode(),
        version.encode(),
        msgspec.json.encode(meta),
        b",".join(items),
    )


_SHAPES = {
    "Table": "Table",
    "PartialObjectMetadata": "PartialObjectMetadata",
    "PartialObjectMetadataList": "PartialObjectMetadata",
}


def form(accept: str, include: str) -> Form:
    """Choose the first form in an Accept header that can be served; 406 when none can."""
    for choice in (accept or JSON).split(","):
        media, *parameters = (part.strip() for part in choice.split(";"))
        if media not in (JSON, "application/*", "*/*"):
            continue
        named = dict(part.partition("=")[::2] for part in parameters)
        found = _form(named, include)
        if found is not None:
            return found
    offered = "application/json"
    raise ApiError(
        406, f"only the following media types are accepted: {offered}", reason="NotAcceptable"
    )


def _form(named: dict[str, Any], include: str) -> Form | None:
    wanted = named.get("as", "")
    if not wanted:
        return Form()
    if named.get("g") == "apidiscovery.k8s.io" and named.get("v") == "v2":
        return Form(discovery=True)
    if named.get("g") == "meta.k8s.io" and named.get("v") == "v1" and wanted in _SHAPES:
        return Form(_SHAPES[wanted], include or "Metadata")
    return None
