"""What every kind reads alike from an API server's JSON: metadata, conditions, quantities.

All fields are optional, and null is read as absent: servers omit what is zero or empty.
"""

from collections.abc import Iterable
from functools import lru_cache
from sys import intern
from typing import TypedDict

import msgspec

from console.clock import parse_time
from console.record import Key
from console.resources.shapes import Condition
from console.units import parse_quantity


class Wire(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """Base of the partial structs that objects are decoded into; short-lived, without cycles."""


class OwnerReference(Wire, frozen=True):
    """An entry of `metadata.ownerReferences`."""

    kind: str = ""
    name: str = ""
    controller: bool | None = None


class Meta(Wire, frozen=True):
    """The part of `metadata` that records keep."""

    name: str | None = None
    namespace: str | None = None
    uid: str | None = None
    resource_version: str | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None


class GenerationMeta(Meta, frozen=True):
    """Metadata of kinds whose controller reports the generation it has seen."""

    generation: int | None = None


class WireCondition(Wire, frozen=True):
    """An entry of `status.conditions`."""

    type: str = ""
    status: str = ""
    reason: str | None = None
    message: str | None = None
    last_transition_time: str | None = None


@lru_cache(maxsize=4096)
def _midnight(day: str) -> float:
    moment = parse_time(f"{day}T00:00:00Z")
    if moment is None:
        raise ValueError(day)
    return moment


def moment(text: str | None) -> float | None:
    """Read a time as the API server writes it, quickly; None when absent or unreadable."""
    if text is None:
        return None
    # 2026-11-23T20:15:00Z, as nearly all of a list's times are.
    if len(text) == 20 and text[19] == "Z":
        try:
            seconds = 3600 * int(text[11:13]) + 60 * int(text[14:16]) + int(text[17:19])
            return _midnight(text[:10]) + seconds
        except ValueError:
            return None
    return parse_time(text)


class Base(TypedDict):
    """The fields of `Record`."""

    key: Key
    uid: str
    version: str
    created: float | None
    labels: dict[str, str]


def base(cluster: str, kind: str, meta: Meta) -> Base | None:
    """Return the fields every record carries; None for an object without a name."""
    if not meta.name:
        return None
    return Base(
        key=Key(cluster, kind, intern(meta.namespace or ""), meta.name),
        uid=meta.uid or "",
        version=meta.resource_version or "",
        created=moment(meta.creation_timestamp),
        labels=shared_labels(meta.labels),
    )


_LABELS: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
_LABEL_SETS = 50_000
_NO_LABELS: dict[str, str] = {}


def shared_labels(labels: dict[str, str] | None) -> dict[str, str]:
    """Return one dict for all equal label sets: replicas of a workload have the same."""
    if not labels:
        return _NO_LABELS
    content = tuple(labels.items())
    known = _LABELS.get(content)
    if known is None:
        if len(_LABELS) >= _LABEL_SETS:
            _LABELS.clear()
        known = {intern(name): intern(value) for name, value in labels.items()}
        _LABELS[tuple(known.items())] = known
    return known


def conditions(found: Iterable[WireCondition] | None) -> tuple[Condition, ...]:
    """Keep conditions as records do."""
    return tuple(
        Condition(
            type=intern(condition.type),
            status=intern(condition.status),
            reason=intern(condition.reason or ""),
            message=condition.message or "",
            since=moment(condition.last_transition_time),
        )
        for condition in found or ()
    )


@lru_cache(maxsize=4096)
def milli(text: str | float | None) -> int | None:
    """Read a quantity in thousandths, rounded up as the API server does."""
    value = parse_quantity(text)
    return None if value is None else int(-(-value * 1000 // 1))
