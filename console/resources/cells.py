"""Columns and texts that many kinds share."""

from collections.abc import Callable
from typing import Any

from console.record import Record
from console.store import Snapshot
from console.units import format_age
from console.view import Column, View


def age(moment: float | None, now: float) -> str:
    """Write how long ago a moment was."""
    return format_age(None if moment is None else now - moment)


def count(number: int | None) -> str:
    """Write a number; `?` when it was not told."""
    return "?" if number is None else str(number)


def of(part: int | None, whole: int | None) -> str:
    """Write part/whole."""
    return f"{count(part)}/{count(whole)}"


def bytes_text(amount: int | None) -> str:
    """Write an amount of memory shortly, as 14.6Gi."""
    if amount is None:
        return "?"
    value, units = float(amount), ["B", "Ki", "Mi", "Gi", "Ti"]
    while value >= 1024 and len(units) > 1:
        value /= 1024
        units.pop(0)
    return f"{value:.1f}".removesuffix(".0") + units[0].removesuffix("B")


def cpu_text(thousandths: int | None) -> str:
    """Write processor time shortly, as 500m or 7.9."""
    if thousandths is None:
        return "?"
    if abs(thousandths) < 1000:
        return f"{thousandths}m"
    return f"{thousandths / 1000:.1f}".removesuffix(".0")


def place_columns(*, namespaced: bool = True) -> tuple[Column[Any], ...]:
    """Return the namespace and name columns."""
    name = Column[Record](title="Name", text=lambda record, _: record.key.name)
    if not namespaced:
        return (name,)
    return (Column[Record](title="Namespace", text=lambda record, _: record.key.namespace), name)


def age_column() -> Column[Any]:
    """Return the column of ages; the youngest sorts first."""

    def order(record: Record, _: Snapshot) -> float | None:
        return None if record.created is None else -record.created

    return Column[Record](
        title="Age",
        text=lambda record, look: age(record.created, look.now(record.key.cluster)),
        order=order,
        right=True,
    )


def state_columns(view: Callable[[], View[Any]]) -> tuple[Column[Any], Column[Any]]:
    """Return the word and its reason; `view` is asked late, for it holds these columns."""

    def severity(record: Record, look: Snapshot) -> tuple[int, str]:
        word = view().judged(record, look)
        return word.tone.severity, word.text

    return (
        Column[Record](
            title="State",
            text=lambda record, look: view().judged(record, look),
            order=severity,
        ),
        Column[Record](
            title="Reason",
            text=lambda record, look: view().judged(record, look).reason,
        ),
    )


def labels_column() -> Column[Any]:
    """Return the wide column of labels."""
    return Column[Record](
        title="Labels",
        text=lambda record, _: ",".join(f"{k}={v}" for k, v in sorted(record.labels.items())),
        wide=True,
    )
