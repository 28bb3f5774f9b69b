"""Kubernetes objects as plain JSON: types, times, quantities, names."""

import secrets
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeAlias

from console.sandbox.clock import CLOCK

Obj: TypeAlias = dict[str, Any]

_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # no vowels: a suffix never spells a word


def now() -> str:
    """Tell the time as metav1.Time writes it."""
    return stamp(CLOCK.now())


def stamp(moment: datetime) -> str:
    """Write a moment as metav1.Time does."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_now() -> str:
    """Tell the time as metav1.MicroTime writes it."""
    return CLOCK.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds_since(moment: str) -> float:
    """Count the seconds since a written moment."""
    return (CLOCK.now() - datetime.fromisoformat(moment)).total_seconds()


def suffix(length: int = 5) -> str:
    """Make the random end of a generated name."""
    return "".join(secrets.choice(_NAME_LETTERS) for _ in range(length))


def dig(tree: Any, *path: str) -> Any:
    """Follow field names into a tree; None where one is missing."""
    for name in path:
        if not isinstance(tree, dict):
            return None
        tree = tree.get(name)
    return tree


@lru_cache(4096)
def quantity(text: str | float) -> Decimal:
    """Read a Kubernetes quantity; ValueError when it is none."""
    written = str(text)
    for unit, power in _BINARY.items():
        if written.endswith(unit):
            return _number(written[:-2]) * Decimal(1024) ** power
    unit = written[-1:] if written[-1:] in _DECIMAL and not written[-1:].isdigit() else ""
    number = written[: len(written) - len(unit)]
    return _number(number) * Decimal(10) ** _DECIMAL[unit]


def _number(text: str) -> Decimal:
    if not text or not set(text) <= set("0123456789.+-eE"):
        raise ValueError(text)
    return Decimal(text)


def written_quantity(value: Decimal, *, binary: bool) -> str:
    """Write a quantity in its canonical form."""
    if binary:
        for unit, power in reversed(_BINARY.items()):
            scaled = value / Decimal(1024) ** power
            if value and scaled == scaled.to_integral_value():
                return f"{int(scaled)}{unit}"
    if value == value.to_integral_value():
        return str(int(value))
    return f"{int((value * 1000).to_integral_value())}m"


def labels(obj: Obj) -> dict[str, str]:
    """Read an object's labels."""
    found: dict[str, str] = obj["metadata"].get("labels") or {}
    return found


def condition(obj: Obj, kind: str) -> Obj | None:
    """Find a status condition by its type."""
    for found in dig(obj, "status", "conditions") or ():
        if found.get("type") == kind:
            return dict(found)
    return None


def owned_by(obj: Obj, uid: str) -> bool:
    """Tell whether an owner reference names this uid."""
    return any(ref.get("uid") == uid for ref in obj["metadata"].get("ownerReferences") or ())


def controller_uid(obj: Obj) -> str:
    """Find the uid of the object's controller; empty when it has none."""
    for ref in obj["metadata"].get("ownerReferences") or ():
        if ref.get("controller"):
            return str(ref["uid"])
    return ""


def owner_reference(api_version: str, kind: str, owner: Obj) -> Obj:
    """Make the reference by which a controller owns what it creates."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
