"""Paints rows as lines: widths, truncation, tones, marks, and what changed a moment ago."""

import time
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from console.record import Key, Record, Tone, Word
from console.store import Freshness
from console.view import believed
from screens import tones
from screens.widgets import columns
from screens.widgets.rows import Rows, cell

GUTTER = 2
_LIT_SECONDS = 2.0
_SAMPLES = 40
_FEW = 50
"""So few rows are all measured, whenever they moved."""
_KEPT = 400
"""Painted rows that are remembered: several screens full."""


@dataclass(frozen=True)
class Inks:
    """The styles of one paint."""

    plain: Style
    cursor: Style
    header: Style
    chosen: Style
    dim: Style
    lit: Style
    marked: Style


@dataclass(frozen=True)
class _Painted:
    """A row as it was painted; good while nothing of this differs."""

    record: Record
    traits: tuple[object, ...]
    strip: Strip


class Painter:
    """Turns rows into strips; keeps the strips of rows that did not change."""

    def __init__(self, rows: Rows, *, pinned: int, merge_first: bool) -> None:
        self.rows = rows
        self.wide = False
        self.chosen = pinned if pinned < len(rows.view.columns) else 0
        self.layout: list[columns.Place] = []
        self._pinned = pinned
        self._merge_first = merge_first
        self._first = pinned
        self._widths: dict[int, int] = {}
        self._firm: set[int] = set()
        """Columns of words: a state is worth more room than a name's middle."""
        self._sampled = 0
        self._room = 0
        self.grown = False
        self._painted: dict[Key, _Painted] = {}
        self._lit: dict[Key, tuple[float, frozenset[int]]] = {}

    # -- widths ----------------------------------------------------------------------------

    @property
    def shown(self) -> list[int]:
        """Return the columns that are shown at all."""
        return [
            index
            for index, column in enumerate(self.rows.view.columns)
            if self.wide or not column.wide
        ]

    def forget_widths(self) -> None:
        """Measure anew: other rows are shown."""
        self._widths.clear()
        self._sampled = 0

    def measure(self, room: int) -> bool:
        """Bring the layout up to date; True when columns stand elsewhere now.

        Widths come from a sample of all rows, taken again when their number has doubled, and from
        every row that was painted; they only grow.
        """
        total = len(self.rows)
        for index in self.shown:
            title = columns.width_of(self.rows.view.columns[index].title) + 1
            if self._widths.get(index, 0) < title:
                self._widths[index], self.grown = title, True
        if total and (total <= _FEW or not self._sampled or total > 2 * self._sampled):
            self._sampled = total
            for at in range(0, total, 1 if total <= _FEW else total // _SAMPLES):
                self._measure_row(at)
        if not self.grown and room == self._room:
            return False
        self._room = room
        return self.lay_out()

    def _measure_row(self, at: int) -> None:
        key = self.rows.key_at(at)
        record = None if key is None else self.rows.get(key)
        if record is not None:
            for index in self.shown:
                self._text(index, record, Freshness.FRESH)

    def lay_out(self) -> bool:
        """Place the columns; True when they stand elsewhere now."""
        shown = self.shown
        widths = [self._widths.get(index, 4) for index in shown]
        placed = columns.place(
            widths,
            self._room - GUTTER - 1,
            pinned=sum(1 for index in shown if index < self._pinned),
            first=sum(1 for index in shown if index < self._first),
            firm=[at for at, index in enumerate(shown) if index in {*self._firm, self.chosen}],
        )
        before, self.grown = self.layout, False
        self.layout = [columns.Place(shown[place.index], place.width) for place in placed]
        if before != self.layout:
            self._painted.clear()
        return before != self.layout

    def choose(self, by: int) -> None:
        """Choose a column; what lies beyond the edge comes into sight."""
        shown = self.shown
        at = shown.index(self.chosen) if self.chosen in shown else 0
        self.chosen = shown[max(0, min(len(shown) - 1, at + by))]
        self._first = self._pinned
        self.lay_out()
        while self.chosen not in {place.index for place in self.layout}:
            if self._first >= self.chosen:
                break
            self._first += 1
            self.lay_out()

    def column_at(self, x: int) -> int | None:
        """Return the column at a cell of the line."""
        left = GUTTER
        for place in self.layout:
            if left <= x < left + place.width + columns.GAP:
                return place.index
            left += place.width + columns.GAP
        return None

    # -- what changed ----------------------------------------------------------------------

    def refresh_words(self) -> None:
        """Paint every row anew: ages and freshness have moved on."""
        now = time.monotonic()
        self._painted.clear()
        self._lit = {key: lit for key, lit in self._lit.items() if lit[0] > now}

    def light(self, key: Key) -> bool:
        """Mark the cells of a painted row that now read differently; True to paint it again."""
        painted = self._painted.get(key)
        after = self.rows.get(key)
        if painted is None or after is None or painted.record is after:
            return False
        look = self.rows.look
        # Both are read at the same moment: an age alone is no change.
        changed = frozenset(
            place.index
            for place in self.layout
            if cell(self.rows.view.columns[place.index], painted.record, look)
            != cell(self.rows.view.columns[place.index], after, look)
        )
        if changed:
            self._lit[key] = (time.monotonic() + _LIT_SECONDS, changed)
        return True

    # -- painting --------------------------------------------------------------------------

    def header(self, inks: Inks) -> Strip:
        """Paint the titles; the chosen column in reverse, the sorted one with an arrow."""
        segments = [Segment(" " * GUTTER, inks.header)]
        blank = Segment(" " * columns.GAP, inks.header)
        wanted = self.rows.wanted
        for place in self.layout:
            column = self.rows.view.columns[place.index]
            title = column.title.upper()
            if place.index == wanted.sort:
                title += tones.sign("↓", "v") if wanted.backwards else tones.sign("↑", "^")
            style = inks.chosen if place.index == self.chosen else inks.header
            segments.append(Segment(columns.fit(title, place.width, right=column.right), style))
            segments.append(blank)
        if self.layout and self.layout[-1].index != self.shown[-1]:
            more = tones.sign("›", ">")  # noqa: RUF001  a small arrow on purpose
            segments[-1] = Segment(more.ljust(columns.GAP), inks.header)
        return Strip(segments).adjust_cell_length(self._room, inks.header)

    def row(self, index: int, inks: Inks, *, on_cursor: bool, marked: bool, top: bool) -> Strip:
        """Paint one row; `top` when it is the first on screen."""
        key = self.rows.key_at(index)
        record = None if key is None else self.rows.get(key)
        if key is None or record is None:
            return Strip([Segment(" " * self._room, inks.plain)], self._room)
        lit = self._lit_columns(key)
        freshness = self.rows.freshness(record)
        repeats = self._merge_first and not top and self._repeats(index, record)
        traits = (on_cursor, marked, lit, freshness, repeats, inks)
        painted = self._painted.get(key)
        if painted is not None and painted.record is record and painted.traits == traits:
            return painted.strip
        base = inks.cursor if on_cursor else inks.plain
        if freshness is not Freshness.FRESH:
            base += inks.dim
        gutter = _gutter(base + inks.marked if marked else base, on_cursor, marked)
        segments = [gutter, *self._cells(record, base, inks, lit, freshness)]
        if repeats and self.layout and self.layout[0].index == 0:
            segments[1] = Segment(" " * self.layout[0].width, base)
        strip = Strip(segments).adjust_cell_length(self._room, base)
        if len(self._painted) > _KEPT:
            self._painted.clear()
        self._painted[key] = _Painted(record, traits, strip)
        return strip

    def _lit_columns(self, key: Key) -> frozenset[int]:
        lit = self._lit.get(key)
        return lit[1] if lit is not None and lit[0] > time.monotonic() else frozenset()

    def _cells(
        self, record: Record, base: Style, inks: Inks, lit: frozenset[int], freshness: Freshness
    ) -> list[Segment]:
        segments = []
        blank = Segment(" " * columns.GAP, base)
        for place in self.layout:
            text, tone = self._text(place.index, record, freshness)
            style = base if tone is None else base + tones.style(tone)
            if place.index in lit:
                style += inks.lit
            right = self.rows.view.columns[place.index].right
            segments.append(Segment(columns.fit(text, place.width, right=right), style))
            segments.append(blank)
        return segments

    def _text(self, index: int, record: Record, freshness: Freshness) -> tuple[str, Tone | None]:
        value = cell(self.rows.view.columns[index], record, self.rows.look)
        tone = None
        if isinstance(value, Word):
            shown = believed(value, freshness)
            value, tone = tones.words(shown), shown.tone
            self._firm.add(index)
        text = columns.one_line(value)
        width = columns.width_of(text)
        if width > self._widths.get(index, 0):
            self._widths[index], self.grown = width, True
        return text, tone

    def _repeats(self, index: int, record: Record) -> bool:
        above = self.rows.key_at(index - 1)
        other = None if above is None else self.rows.get(above)
        first, look = self.rows.view.columns[0], self.rows.look
        return other is not None and cell(first, other, look) == cell(first, record, look)


def _gutter(style: Style, on_cursor: bool, marked: bool) -> Segment:
    arrow = tones.sign("▸", ">") if on_cursor else " "
    mark = tones.sign("●", "*") if marked else " "
    return Segment(f"{arrow}{mark}", style)
