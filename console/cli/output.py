"""What `get` and `describe` print: tables for people, JSON, YAML and names for programs."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

import msgspec

from console.clock import format_time
from console.record import Record, Tone, Word
from console.redact import printable
from console.resources import views
from console.store import Freshness, Snapshot, Source, SourceState
from console.view import Column, View

FORMATS = ("table", "wide", "json", "yaml", "name")
_REASON_CHARACTERS = 80
_SGR = {
    Tone.OK: "32",
    Tone.WARN: "33",
    Tone.BAD: "31",
    Tone.PROGRESS: "36",
    Tone.STALE: "2",
    Tone.UNKNOWN: "35",
    Tone.FORBIDDEN: "2",
    Tone.OFF: "2",
}


# -- values for programs -------------------------------------------------------------------


def item(view: View[Any], record: Record, look: Snapshot) -> dict[str, Any]:
    """Return a record as `-o json` shows it."""
    word, found = view.judged(record, look), view.provenance(record, look)
    own = msgspec.to_builtins(record)
    own.pop("key")
    joined = view.extra(record, look) if view.extra else {}  # noqa: S610  not Django's
    return {
        "cluster": record.key.cluster,
        "namespace": record.key.namespace,
        "name": record.key.name,
        "word": word.text,
        "tone": word.tone.value,
        "reason": word.reason,
        "observedAt": _moment(found.observed_at),
        "source": found.source,
        "freshness": found.freshness.value,
        **_with_moments(own),
        **_with_moments(joined),
    }


def source_line(source: Source, now: float) -> dict[str, Any]:
    """Return how reading one kind of one cluster went."""
    contact = source.contact_at
    return {
        "cluster": source.cluster,
        "source": source.kind,
        "state": source.state.value,
        "ageSeconds": None if contact is None else round(max(0.0, now - contact), 3),
        "error": printable(source.error),
    }


def _is_moment(name: str) -> bool:
    return name in ("created", "since") or name.endswith(("At", "Since"))


def _moment(moment: float | None) -> str | None:
    return None if moment is None else format_time(moment)


def _with_moments(values: Any) -> Any:
    """Write moments as RFC 3339, at any depth."""
    if isinstance(values, dict):
        return {
            name: _moment(value)
            if _is_moment(name) and isinstance(value, int | float)
            else _with_moments(value)
            for name, value in values.items()
        }
    if isinstance(values, list | tuple):
        return [_with_moments(value) for value in values]
    return values


def document(
    view: View[Any], records: Iterable[Record], sources: Iterable[Source], look: Snapshot
) -> dict[str, Any]:
    """Return all of `-o json`."""
    return {
        "kind": view.kind,
        "items": [item(view, record, look) for record in records],
        "sources": [source_line(source, look.now()) for source in sources],
    }


def encode(value: Any, form: str) -> str:
    """Write a document as JSON or YAML."""
    if form == "json":
        return json.dumps(value, indent=2, ensure_ascii=False)
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=True)).rstrip("\n")


def get_schema() -> dict[str, Any]:
    """Return the JSON Schema of `get KIND -o json`."""
    known = views()
    _, shapes = msgspec.json.schema_components(
        [view.record for view in known.values()], ref_template="#/$defs/{name}"
    )
    for shape in shapes.values():
        _describe_moments(shape)
    shapes.pop("Key", None)
    branches = [
        {
            "if": {"properties": {"kind": {"const": kind}}},
            "then": {
                "properties": {"items": {"items": {"$ref": f"#/$defs/{view.record.__name__}"}}}
            },
        }
        for kind, view in known.items()
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "shifu-console get KIND -o json",
        "type": "object",
        "required": ["kind", "items", "sources"],
        "properties": {
            "kind": {"enum": list(known)},
            "items": {"type": "array", "items": _ITEM},
            "sources": {"type": "array", "items": _SOURCE},
        },
        "allOf": branches,
        "$defs": shapes,
    }


def _describe_moments(shape: dict[str, Any]) -> None:
    """Say what `item` makes of a record: no key, moments as text."""
    properties = shape.get("properties", {})
    properties.pop("key", None)
    for name, field in properties.items():
        numbers = [field, *field.get("anyOf", ())]
        if _is_moment(name) and any(one.get("type") == "number" for one in numbers):
            properties[name] = {"type": ["string", "null"], "format": "date-time"}
    shape["required"] = [name for name in shape.get("required", ()) if name != "key"]


_TEXT = {"type": "string"}
_MOMENT = {"type": ["string", "null"], "format": "date-time"}
_ITEM: dict[str, Any] = {
    "type": "object",
    "required": [
        "cluster",
        "namespace",
        "name",
        "word",
        "tone",
        "reason",
        "observedAt",
        "source",
        "freshness",
    ],
    "properties": {
        "cluster": _TEXT,
        "namespace": _TEXT,
        "name": _TEXT,
        "word": _TEXT,
        "tone": {"enum": [tone.value for tone in Tone]},
        "reason": _TEXT,
        "observedAt": _MOMENT,
        "source": _TEXT,
        "freshness": {"enum": [one.value for one in Freshness]},
    },
}
_SOURCE: dict[str, Any] = {
    "type": "object",
    "required": ["cluster", "source", "state", "ageSeconds", "error"],
    "properties": {
        "cluster": _TEXT,
        "source": _TEXT,
        "state": {"enum": [state.value for state in SourceState]},
        "ageSeconds": {"type": ["number", "null"]},
        "error": _TEXT,
    },
}


# -- tables for people ---------------------------------------------------------------------


class Sheet:
    """A table whose columns keep their widths while rows are added."""

    def __init__(self, view: View[Any], look: Snapshot, *, wide: bool, stream: TextIO) -> None:
        self._look = look
        self._wide = wide
        self._stream = stream
        self.columns = _chosen(view, wide=wide)
        self._widths = [len(title) for title in self.titles]
        self._colour = _wants_colour(stream)
        self._ascii = "utf" not in (getattr(stream, "encoding", None) or "utf-8").lower()

    @property
    def titles(self) -> list[str]:
        """Return the headings."""
        return ["CLUSTER", *(column.title.upper() for column in self.columns)]

    def lines(self, records: Sequence[Record], *, heading: bool = True) -> list[str]:
        """Return the lines of these records, wide enough for all of them."""
        rows = [self._cells(record) for record in records]
        for row in rows:
            for position, (text, _) in enumerate(row):
                self._widths[position] = max(self._widths[position], len(text))
        if heading:
            rows.insert(0, [(title, None) for title in self.titles])
        return [self._line(row) for row in rows]

    def _cells(self, record: Record) -> list[tuple[str, Tone | None]]:
        cells: list[tuple[str, Tone | None]] = [(record.key.cluster, None)]
        for column in self.columns:
            cell = column.text(record, self._look)
            if isinstance(cell, Word):
                glyph = cell.tone.ascii_glyph if self._ascii else cell.tone.glyph
                cells.append((f"{glyph} {cell.text}", cell.tone))
                continue
            text = printable(cell.replace("\n", " "))
            if column.title == "Reason" and not self._wide and len(text) > _REASON_CHARACTERS:
                text = f"{text[: _REASON_CHARACTERS - 1]}…"
            cells.append((text or "-", None))
        return cells

    def _line(self, row: Sequence[tuple[str, Tone | None]]) -> str:
        rights = [False, *(column.right for column in self.columns)]
        parts = []
        for (text, tone), width, right in zip(row, self._widths, rights, strict=True):
            padded = text.rjust(width) if right else text.ljust(width)
            if tone is not None and self._colour:
                padded = f"\x1b[{_SGR[tone]}m{padded}\x1b[0m"
            parts.append(padded)
        line = "   ".join(parts).rstrip()
        return line.encode("ascii", "replace").decode() if self._ascii else line


def _chosen(view: View[Any], *, wide: bool) -> list[Column[Any]]:
    """Return the columns to print; reasons are long and go last."""
    shown = [column for column in view.columns if wide or not column.wide]
    return sorted(shown, key=lambda column: column.title == "Reason")


def _wants_colour(stream: TextIO) -> bool:
    if "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def write(text: str, stream: TextIO | None = None) -> None:
    """Print data; flushed, so that who reads a pipe sees it."""
    out = stream or sys.stdout
    out.write(f"{text}\n")
    out.flush()
