"""Bytes of lists and watches into records; a bad object costs itself, not its neighbours."""

from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec

from console.errors import BadReplyError, GoneError
from console.links.kube.faults import Status, from_status
from console.record import Record
from console.view import KubeSource

R = TypeVar("R", bound=Record)
W = TypeVar("W", bound=msgspec.Struct)


class _ListMeta(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str | None = ""
    continue_: str | None = msgspec.field(default="", name="continue")


class _Page(msgspec.Struct, Generic[W], frozen=True):
    items: list[W] | None = None
    metadata: _ListMeta = _ListMeta()


class _Event(msgspec.Struct, Generic[W], frozen=True):
    type: str
    object: W


class _Versioned(msgspec.Struct, frozen=True):
    metadata: _ListMeta = _ListMeta()


class _EventType(msgspec.Struct, frozen=True):
    type: str = ""


class Page(msgspec.Struct, Generic[R], frozen=True):
    """A part of a list."""

    records: list[R]
    version: str
    more: str
    """The continue token; empty on the last page."""
    skipped: int
    """Objects that could not be read."""


class Change(StrEnum):
    """What a watch event says about its object."""

    PUT = "put"
    GONE = "gone"
    BOOKMARK = "bookmark"
    UNREADABLE = "unreadable"


_CHANGES = {"ADDED": Change.PUT, "MODIFIED": Change.PUT, "DELETED": Change.GONE}


class Codec(Generic[R]):
    """Reads one kind of one cluster."""

    def __init__(self, cluster: str, source: KubeSource[Any, R]) -> None:
        self._cluster = cluster
        self._wire = source.wire
        self._flatten = source.flatten
        self._pages = msgspec.json.Decoder(_Page[source.wire])  # type: ignore[name-defined]
        self._loose_pages = msgspec.json.Decoder(_Page[msgspec.Raw])  # type: ignore[type-var]
        self._events = msgspec.json.Decoder(_Event[source.wire])  # type: ignore[name-defined]

    def page(self, body: bytes) -> Page[R]:
        """Read a part of a list.

        Raises:
            BadReplyError: it is not a list at all, or ends in the middle.

        """
        try:
            page = self._pages.decode(body)
            wires: list[Any] = page.items or []
        except (msgspec.DecodeError, UnicodeDecodeError):
            page, wires = self._loose_page(body)
        records = [self._record(wire) for wire in wires]
        kept = [record for record in records if record is not None]
        meta = page.metadata
        return Page(
            kept, meta.resource_version or "", meta.continue_ or "", len(records) - len(kept)
        )

    def event(self, line: bytes) -> tuple[Change, R | None, str]:
        """Read a watch line: what it says, the record, and a bookmark's version.

        Raises:
            GoneError: the server forgot the version that the watch started from.
            LinkError: the server ends the watch with another error.

        """
        try:
            event = self._events.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._odd_event(line)
        change = _CHANGES.get(event.type)
        if change is None:
            return self._odd_event(line)
        record = self._record(event.object)
        return (change, record, "") if record is not None else (Change.UNREADABLE, None, "")

    def _record(self, wire: Any) -> R | None:
        if wire is None:
            return None
        try:
            return self._flatten(self._cluster, wire)
        except (AttributeError, LookupError, TypeError, ValueError):
            return None  # the object lacks what every object of its kind has

    def _loose_page(self, body: bytes) -> "tuple[_Page[Any], list[Any]]":
        """Read item by item: something in the list is not as its kind says."""
        try:
            page: _Page[Any] = self._loose_pages.decode(_repaired(body))
        except msgspec.DecodeError as error:
            raise BadReplyError(
                f"{self._cluster}: the list cannot be read: {error}",
                remedy="a proxy or the server cut or changed the answer; the console tries again",
            ) from error
        return page, [self._loose_item(bytes(raw)) for raw in page.items or []]

    def _loose_item(self, raw: bytes) -> Any:
        try:
            return msgspec.convert(_without_nulls(msgspec.json.decode(raw)), self._wire)
        except msgspec.DecodeError:
            return None

    def _odd_event(self, line: bytes) -> tuple[Change, R | None, str]:
        """Read what is neither a change of a well-formed object nor worth a fast path."""
        line = _repaired(line)
        try:
            kind = msgspec.json.decode(line, type=_EventType).type
            if kind == "BOOKMARK":
                version = msgspec.json.decode(line, type=_Event[_Versioned]).object.metadata
                return Change.BOOKMARK, None, version.resource_version or ""
            if kind == "ERROR":
                self._raise(msgspec.json.decode(line, type=_Event[Status]).object)
            whole = msgspec.json.decode(line, type=_Event[msgspec.Raw])  # type: ignore[type-var]
            record = self._record(self._loose_item(bytes(whole.object)))
        except msgspec.DecodeError:
            return Change.UNREADABLE, None, ""
        change = _CHANGES.get(kind)
        if change is None or record is None:
            return Change.UNREADABLE, None, ""
        return change, record, ""

    def _raise(self, status: Status) -> None:
        code = status.code or 500
        if status.reason == "Expired" or code == 410:
            raise GoneError(f"{self._cluster}: watch: {status.message or 'expired'}", status=410)
        raise from_status(self._cluster, "watch", code, status)


def _repaired(body: bytes) -> bytes:
    """Replace what is not UTF-8, so that the rest can be read."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return body.decode("utf-8", "replace").encode()
    return body


def _without_nulls(value: Any) -> Any:
    """Drop nulls: in the Kubernetes API null means absent."""
    if isinstance(value, dict):
        return {name: _without_nulls(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_without_nulls(part) for part in value if part is not None]
    return value
