"""Widths of columns and the cutting of long text: pure arithmetic on cells."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from screens.tones import sign

GAP = 2
_READABLE = 24
"""A column is narrowed to this before another is dropped at the right."""
_FLEXIBLE = 12
"""A column is narrowed to this so that the last of the firm ones is on screen."""
_WIDEST = 60


@dataclass(frozen=True)
class Place:
    """Where one column stands on the line."""

    index: int
    width: int


def width_of(text: str) -> int:
    """Return how many cells a text takes."""
    return len(text) if text.isascii() else cell_len(text)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Make a text exactly `width` cells: padded, or cut in the middle so that both ends show."""
    taken = width_of(text)
    if taken == width:
        return text
    if taken < width:
        blank = " " * (width - taken)
        return f"{blank}{text}" if right else f"{text}{blank}"
    return cut(text, width)


def cut(text: str, width: int) -> str:
    """Cut a text that is too wide: a sentence at its end, a name in its middle."""
    if width <= 3:
        return set_cell_size(text, max(0, width))
    mark = sign("…", "~")
    if " " in text:
        return f"{set_cell_size(text, width - 1)}{mark}"
    head = (width - 1) // 2
    tail = width - 1 - head
    if text.isascii():
        return f"{text[:head]}{mark}{text[-tail:]}"
    backwards = set_cell_size(text[::-1], tail)[::-1]
    return f"{set_cell_size(text, head)}{mark}{backwards}"


def one_line(text: str) -> str:
    """Make foreign text safe for a line: no line breaks, no control codes."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else " " for letter in text)


def place(
    widths: Sequence[int],
    total: int,
    *,
    pinned: int,
    first: int,
    firm: Collection[int] = (),
) -> list[Place]:
    """Lay columns out in `total` cells: the pinned ones, then the rest from `first` on.

    What is too wide is narrowed before anything is dropped; what does not fit then is dropped at
    the right, and can be reached by choosing a column. The `firm` ones
    are narrowed last and not dropped.
    """
    first = max(first, pinned)
    wanted = [*range(min(pinned, len(widths))), *range(first, len(widths))]
    sizes = {index: min(widths[index], _WIDEST) for index in wanted}
    soft = [index for index in wanted if index not in firm]
    _narrow(sizes, wanted, total, soft, _READABLE)
    last = max((at for at, index in enumerate(wanted) if index in firm), default=-1)
    needed = wanted[: last + 1]
    _narrow(sizes, needed, total, [index for index in needed if index in soft], _FLEXIBLE)
    _narrow(sizes, needed, total, needed, _FLEXIBLE)
    placed: list[Place] = []
    left = total
    for index in wanted:
        width = min(sizes[index], left)
        if width < min(sizes[index], 4) or width <= 0:
            break
        placed.append(Place(index, width))
        left -= width + GAP
    return placed


def _narrow(
    sizes: dict[int, int], needed: list[int], total: int, which: list[int], floor: int
) -> None:
    """Take cells from the widest until the needed ones fit or nothing more can be given."""
    if not which:
        return
    excess = sum(sizes[index] for index in needed) + GAP * (len(needed) - 1) - total
    while excess > 0:
        widest = max(which, key=lambda index: sizes[index])
        if sizes[widest] <= floor:
            return
        others = max((sizes[index] for index in which if index != widest), default=0)
        give = min(excess, max(1, sizes[widest] - max(floor, others)))
        sizes[widest] -= give
        excess -= give
