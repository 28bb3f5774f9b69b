"""A measured figure, and the table of all of them."""

from collections.abc import Iterable

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table; times in seconds, sizes in MB, shares of a core in percent."""

    name: str
    unit: str
    ours: float
    peer: str = ""
    """Who is measured beside us."""
    theirs: float | None = None
    budget: str = ""
    """What the project wants: ≤ 0.2 s."""
    lower_is_better: bool = True

    @property
    def ratio(self) -> str:
        """Say how many times better ours is."""
        if not self.theirs or not self.ours:
            return "-"
        better = self.theirs / self.ours if self.lower_is_better else self.ours / self.theirs
        return f"{better:.1f}x"


def table(figures: Iterable[Figure]) -> str:
    """Lay figures out as text."""
    head = ("figure", "ours", "peer", "ratio", "budget")
    rows = [head, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join((lines[0], "-" * len(lines[0]), *lines[1:]))


def _row(figure: Figure) -> tuple[str, ...]:
    theirs = "-"
    if figure.theirs is not None:
        theirs = f"{_number(figure.theirs)} {figure.unit} ({figure.peer})"
    elif figure.peer:
        theirs = figure.peer
    ours = f"{_number(figure.ours)} {figure.unit}"
    return figure.name, ours, theirs, figure.ratio, figure.budget or "-"


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"
