"""A virtual table: knows columns and batches, never kinds; renders only the lines on screen."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from console.record import Key, Record, Tone, Word
from console.store import ChangeBatch, Freshness, Snapshot
from console.view import View
from screens import keys, tones
from screens.widgets import columns
from screens.widgets.rows import Rows, Wanted, believed, cell

_SLICE_SECONDS = 0.003
"""A key press waits for a few slices; each is a fraction of what a hand notices."""
_SETTLE_SECONDS = 0.5
_LIT_SECONDS = 2.0
_SHARE = 20
"""Looking at everything again may take one part in so many of the time."""
_GUTTER = 2
_SAMPLES = 40


@dataclass(frozen=True)
class _Inks:
    """The styles of one paint."""

    plain: Style
    cursor: Style
    header: Style
    chosen: Style
    dim: Style
    lit: Style
    marked: Style


class ViewTable(ScrollView, can_focus=True):
    """The rows of a view, live."""

    BINDINGS = keys.MOVES
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--cursor",
        "table--header",
        "table--dim",
        "table--marked",
    }
    DEFAULT_CSS = """
    ViewTable {
        height: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1;
        background: $background; color: $foreground;
        & > .table--cursor { background: $primary 35%; text-style: bold; }
        & > .table--header { color: $accent; background: $surface; text-style: bold; }
        & > .table--dim { color: $tone-stale; text-style: dim; }
        & > .table--marked { color: $accent; }
    }
    """

    @dataclass
    class Opened(Message):
        """A row was chosen with enter or the mouse."""

        key: Key

    class Settled(Message):
        """The rows, their number or the marks changed."""

    def __init__(
        self,
        view: View[Any],
        look: Snapshot,
        wanted: Wanted | None = None,
        *,
        pinned: int = 1,
        empty: Callable[[], list[str]] = lambda: ["nothing here"],
        merge_first: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.rows = Rows(view, look, wanted)
        self.marks: dict[Key, None] = {}
        self.wide = False
        self.chosen = pinned if pinned < len(view.columns) else 0
        self.cursor_key: Key | None = None
        self._pinned = pinned
        self._empty = empty
        self._merge_first = merge_first
        """Blank a first column that repeats the row above: a list in groups."""
        self._cursor = 0
        self._moved = False
        self._first = pinned
        self._widths: dict[int, int] = {}
        self._firm: set[int] = set()
        """Columns of words: a state is worth more room than a name's middle."""
        self._layout: list[columns.Place] = []
        self._painted: dict[Key, Record] = {}
        self._lit: dict[Key, tuple[float, frozenset[int]]] = {}
        self._last_mark: Key | None = None
        self._inks_cache: _Inks | None = None
        self._seen_version = -1
        self._sources_moved = False
        self._next_look = 0.0
        self._settled_at = 0.0
        self._settling = False
        self._pumping = False
        self._spent = 0.0

    # -- what is shown ---------------------------------------------------------------------

    @property
    def view(self) -> View[Any]:
        """Return the view that is shown."""
        return self.rows.view

    @property
    def wanted(self) -> Wanted:
        """Return scope, filter and order."""
        return self.rows.wanted

    def want(self, wanted: Wanted) -> None:
        """Change scope, filter or order; the cursor's row is found again when it still shows."""
        self.rows.want(wanted)
        self._next_look = 0.0
        self._widths.clear()
        self._settled_at = 0.0
        self._start_pump()

    @property
    def current(self) -> Record | None:
        """Return the record under the cursor."""
        key = self.rows.key_at(self._cursor)
        return None if key is None else self.rows.get(key)

    @property
    def targets(self) -> list[Record]:
        """Return the marked records; the one under the cursor when there are none."""
        marked = [self.rows.get(key) for key in self.marks]
        found = [record for record in marked if record is not None]
        current = self.current
        return found or ([current] if current is not None else [])

    def on_mount(self) -> None:
        self.rows.reread()
        self._remember_version()
        self._start_pump()
        self.set_interval(1.0, self._tick)

    def on_batch(self, batch: ChangeBatch) -> None:
        """Take in what changed; called at most ten times a second."""
        for key in self.rows.note(batch):
            self._light(key)
        own = {*self.view.watched, "cluster"}
        if any(kind in own for _, kind in batch.sources):
            self._sources_moved = True
        self._look_again()
        self._start_pump()
        if not len(self.rows):
            self.refresh()

    def _tick(self) -> None:
        """Let ages and freshness move on."""
        if not self.is_attached or not self.screen.is_current:
            return
        now = time.monotonic()
        self._lit = {key: lit for key, lit in self._lit.items() if lit[0] > now}
        self._look_again()
        self._measure()
        self.refresh()

    def _remember_version(self) -> None:
        self._seen_version = self.rows.look.version(self.view.watched)

    def _look_again(self) -> None:
        """Read everything again when other kinds that decide about our rows have changed."""
        view = self.view
        depends = view.derive is not None or bool(view.needs)
        version = self.rows.look.version(view.watched)
        moved = depends and version != self._seen_version
        if not (moved or self._sources_moved) or self.rows.dirty:
            return
        now = time.monotonic()
        if now < self._next_look:
            return
        self._seen_version = version
        self._sources_moved = False
        began = time.perf_counter()
        if view.derive is not None:
            for key in self.rows.derive():
                self._light(key)
        self.rows.reread_known()
        self._spent = time.perf_counter() - began
        self._next_look = now + max(_SETTLE_SECONDS, self._spent * _SHARE)
        self._start_pump()

    def look_again(self) -> None:
        """Read everything again now: what rows are derived from was changed by its owner."""
        self._next_look = 0.0
        self._sources_moved = True
        self._look_again()

    def _start_pump(self) -> None:
        if self._pumping or not self.is_attached:
            return
        if self.rows.dirty or self.rows.unsettled:
            self._pumping = True
            self.run_worker(self._pump(), group="rows", exit_on_error=True)

    async def _pump(self) -> None:
        """Work off the rows that may have changed, in slices between which keys are answered."""
        try:
            while self.rows.dirty:
                began = time.perf_counter()
                self.rows.work(_SLICE_SECONDS)
                self._spent += time.perf_counter() - began
                if time.monotonic() - self._settled_at >= _SETTLE_SECONDS:
                    self._settle()
                await asyncio.sleep(0)
        finally:
            self._pumping = False
        self._next_look = max(self._next_look, self._settled_at + self._spent * _SHARE)
        self._spent = 0.0
        self._settle_soon()

    def _settle_soon(self) -> None:
        wait = self._settled_at + _SETTLE_SECONDS - time.monotonic()
        if wait <= 0:
            self._settle()
        elif not self._settling:
            self._settling = True
            self.set_timer(wait, self._settle)

    def _settle(self) -> None:
        """Put rows where they belong; the cursor stays on its row and the row on its line."""
        self._settling = False
        if not self.is_attached:
            return
        self._settled_at = time.monotonic()
        if self.rows.unsettled:
            self.rows.settle()
            self._follow_cursor()
            self._forget_gone_marks()
        self._measure()
        self.virtual_size = Size(self.size.width, len(self.rows) + 1)
        self.refresh()
        self.post_message(self.Settled())

    def _follow_cursor(self) -> None:
        if self.cursor_key is None and not self._moved:
            self._cursor = 0
        else:
            at = None if self.cursor_key is None else self.rows.index(self.cursor_key)
            before = self._cursor
            last = max(0, len(self.rows) - 1)
            self._cursor = min(before, last) if at is None else at
            if at is not None and at != before:
                self.virtual_size = Size(self.size.width, len(self.rows) + 1)
                self._scroll_rows(self.scroll_offset.y + at - before)
        if self._moved or not self._filling():
            self.cursor_key = self.rows.key_at(self._cursor)

    def _filling(self) -> bool:
        """Tell whether first rows still come: until then the cursor stays at the top."""
        return any(
            source.kind in self.view.watched and source.complete_at is None and not source.error
            for source in self.rows.look.sources()
        )

    def _forget_gone_marks(self) -> None:
        for key in [key for key in self.marks if self.rows.get(key) is None]:
            del self.marks[key]

    # -- painting --------------------------------------------------------------------------

    def _light(self, key: Key) -> None:
        """Mark the cells of a row on screen that now read differently."""
        before = self._painted.get(key)
        after = self.rows.get(key)
        if before is None or after is None or before is after:
            return
        look = self.rows.look
        # Both are read at the same moment: an age alone is no change.
        changed = frozenset(
            place.index
            for place in self._layout
            if cell(self.view.columns[place.index], before, look)
            != cell(self.view.columns[place.index], after, look)
        )
        at = self.rows.index(key)
        if changed:
            self._lit[key] = (time.monotonic() + _LIT_SECONDS, changed)
        if at is not None:
            self._refresh_row(at)

    def _refresh_row(self, index: int) -> None:
        line = index - round(self.scroll_y) + 1
        if 1 <= line < self.size.height:
            self.refresh(Region(0, line, self.size.width, 1))

    def _shown_columns(self) -> list[int]:
        return [
            index for index, column in enumerate(self.view.columns) if self.wide or not column.wide
        ]

    def _measure(self) -> None:
        """Take widths from what is on screen and a sample of the rest; they only grow."""
        total = len(self.rows)
        top = round(self.scroll_y)
        visible = range(top, min(total, top + max(1, self.size.height)))
        sample = range(0, total, max(1, total // _SAMPLES))
        shown = self._shown_columns()
        for index in shown:
            title = columns.width_of(self.view.columns[index].title) + 1
            self._widths[index] = max(self._widths.get(index, 0), title)
        for at in {*visible, *sample}:
            key = self.rows.key_at(at)
            record = None if key is None else self.rows.get(key)
            if record is None:
                continue
            for index in shown:
                text, tone = self._cell_text(index, record)
                if tone is not None:
                    self._firm.add(index)
                self._widths[index] = max(self._widths[index], columns.width_of(text))
        self._lay_out(shown)

    def _lay_out(self, shown: list[int]) -> None:
        widths = [self._widths.get(index, 4) for index in shown]
        pinned = sum(1 for index in shown if index < self._pinned)
        first = sum(1 for index in shown if index < self._first)
        firm = [at for at, index in enumerate(shown) if index in self._firm]
        room = self.size.width - _GUTTER - 1
        placed = columns.place(widths, room, pinned=pinned, first=first, firm=firm)
        self._layout = [columns.Place(shown[place.index], place.width) for place in placed]

    def _cell_text(
        self, index: int, record: Record, freshness: Freshness = Freshness.FRESH
    ) -> tuple[str, Tone | None]:
        value = cell(self.view.columns[index], record, self.rows.look)
        if isinstance(value, Word):
            shown = believed(value, freshness)
            return columns.one_line(tones.words(shown)), shown.tone
        return columns.one_line(value), None

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._inks_cache = None

    @property
    def _inks(self) -> _Inks:
        if self._inks_cache is None:
            plain = self.rich_style
            self._inks_cache = _Inks(
                plain=plain,
                cursor=self.get_component_rich_style("table--cursor"),
                header=self.get_component_rich_style("table--header"),
                chosen=self.get_component_rich_style("table--header") + Style(reverse=True),
                dim=self.get_component_rich_style("table--dim", partial=True),
                lit=Style(bold=True, underline=True),
                marked=self.get_component_rich_style("table--marked", partial=True),
            )
        return self._inks_cache

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            return self._header().adjust_cell_length(width, self._inks.header)
        index = y - 1 + round(self.scroll_y)
        if index < len(self.rows):
            return self._row(index)
        plain = self._inks.plain
        text = ""
        if not len(self.rows):
            lines = self._empty()
            text = lines[y - 2] if 0 <= y - 2 < len(lines) else ""
        segment = Segment(columns.fit(f"  {text}", max(width, 0)) if text else " " * width, plain)
        return Strip([segment], width)

    def _header(self) -> Strip:
        inks = self._inks
        segments = [Segment(" " * _GUTTER, inks.header)]
        blank = Segment(" " * columns.GAP, inks.header)
        for place in self._layout:
            column = self.view.columns[place.index]
            title = column.title.upper()
            if place.index == self.wanted.sort:
                down = self.wanted.backwards
                title += tones.sign("↓", "v") if down else tones.sign("↑", "^")
            style = inks.chosen if place.index == self.chosen else inks.header
            segments.append(Segment(columns.fit(title, place.width, right=column.right), style))
            segments.append(blank)
        shown = self._shown_columns()
        if self._layout and shown and self._layout[-1].index != shown[-1]:
            segments[-1] = Segment(tones.sign("›", ">").ljust(columns.GAP), inks.header)
        return Strip(segments)

    def _row(self, index: int) -> Strip:
        inks = self._inks
        key = self.rows.key_at(index)
        record = None if key is None else self.rows.get(key)
        if key is None or record is None:
            return Strip([Segment(" " * self.size.width, inks.plain)])
        if len(self._painted) > 500:
            self._painted.clear()
        self._painted[key] = record
        freshness = self.rows.freshness(record)
        on_cursor = index == self._cursor
        base = inks.cursor if on_cursor else inks.plain
        if freshness is not Freshness.FRESH:
            base += inks.dim
        lit = self._lit.get(key)
        lit_columns = lit[1] if lit and lit[0] > time.monotonic() else frozenset()
        segments = [self._gutter(key, base, on_cursor=on_cursor)]
        blank = Segment(" " * columns.GAP, base)
        for place in self._layout:
            text, tone = self._cell_text(place.index, record, freshness)
            style = base if tone is None else base + tones.style(tone)
            if place.index in lit_columns:
                style += inks.lit
            if place.index == 0 and self._merge_first and self._repeats(index, text):
                text = ""
            right = self.view.columns[place.index].right
            segments.append(Segment(columns.fit(text, place.width, right=right), style))
            segments.append(blank)
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def _gutter(self, key: Key, base: Style, *, on_cursor: bool) -> Segment:
        mark = tones.sign("●", "*") if key in self.marks else " "
        arrow = tones.sign("▸", ">") if on_cursor else " "
        style = base + self._inks.marked if key in self.marks else base
        return Segment(f"{arrow}{mark}", style)

    def _repeats(self, index: int, text: str) -> bool:
        above = self.rows.key_at(index - 1)
        record = None if above is None or index == round(self.scroll_y) else self.rows.get(above)
        return record is not None and self._cell_text(0, record)[0] == text

    # -- moving ----------------------------------------------------------------------------

    def _go(self, index: int) -> None:
        if not len(self.rows):
            return
        before = self._cursor
        self._moved = True
        self._cursor = max(0, min(index, len(self.rows) - 1))
        self.cursor_key = self.rows.key_at(self._cursor)
        height = max(1, self.size.height - 1)
        top = round(self.scroll_y)
        if self._cursor < top:
            self._scroll_rows(self._cursor)
        elif self._cursor >= top + height:
            self._scroll_rows(self._cursor - height + 1)
        self._refresh_row(before)
        self._refresh_row(self._cursor)

    def _scroll_rows(self, top: int) -> None:
        self.scroll_to(y=max(0, top), animate=False, force=True)

    def go_to(self, key: Key) -> None:
        """Put the cursor on a row, now or when it arrives."""
        self.cursor_key = key
        self._moved = True
        at = self.rows.index(key)
        if at is not None:
            self._go(at)

    def action_move(self, by: int) -> None:
        """Move the cursor by rows."""
        self._go(self._cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by pages."""
        self._go(self._cursor + by * max(1, self.size.height - 2))

    def action_top(self) -> None:
        """Go to the first row."""
        self._go(0)

    def action_bottom(self) -> None:
        """Go to the last row."""
        self._go(len(self.rows) - 1)

    def action_choose(self, by: int) -> None:
        """Choose a column; what lies beyond the edge comes into sight."""
        shown = self._shown_columns()
        at = shown.index(self.chosen) if self.chosen in shown else 0
        self.chosen = shown[max(0, min(len(shown) - 1, at + by))]
        self._first = self._pinned
        self._lay_out(shown)
        while self.chosen not in {place.index for place in self._layout}:
            self._first += 1
            self._lay_out(shown)
            if self._first >= self.chosen:
                break
        self.refresh()

    def action_open(self) -> None:
        """Open the row under the cursor."""
        key = self.rows.key_at(self._cursor)
        if key is not None:
            self.post_message(self.Opened(key))

    # -- marks -----------------------------------------------------------------------------

    def action_mark(self) -> None:
        """Mark the row, or take its mark away; then go on to the next."""
        key = self.rows.key_at(self._cursor)
        if key is None:
            return
        if key in self.marks:
            del self.marks[key]
        else:
            self.marks[key] = None
        self._last_mark = key
        self._go(self._cursor + 1)
        self.post_message(self.Settled())

    def action_mark_range(self) -> None:
        """Mark from the last mark to the cursor."""
        start = None if self._last_mark is None else self.rows.index(self._last_mark)
        low, high = sorted((self._cursor if start is None else start, self._cursor))
        for index in range(low, high + 1):
            key = self.rows.key_at(index)
            if key is not None:
                self.marks[key] = None
        self.refresh()
        self.post_message(self.Settled())

    def action_unmark(self) -> None:
        """Take every mark away."""
        self.marks.clear()
        self._last_mark = None
        self.refresh()
        self.post_message(self.Settled())

    # -- order and columns -----------------------------------------------------------------

    def sort_by(self, index: int) -> None:
        """Sort by a column; asked again, the other way round."""
        from dataclasses import replace

        backwards = self.wanted.sort == index and not self.wanted.backwards
        self.want(replace(self.wanted, sort=index, backwards=backwards))

    def toggle_wide(self) -> None:
        """Show more columns, or fewer."""
        self.wide = not self.wide
        self._measure()
        self.refresh()

    # -- mouse and size --------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        if event.y == 0:
            index = self._column_at(event.x)
            if index is not None:
                self.chosen = index
                self.sort_by(index)
            return
        row = event.y - 1 + round(self.scroll_y)
        if row >= len(self.rows):
            return
        again = row == self._cursor and event.chain > 1
        self._go(row)
        if again:
            self.action_open()

    def _column_at(self, x: int) -> int | None:
        left = _GUTTER
        for place in self._layout:
            if left <= x < left + place.width + columns.GAP:
                return place.index
            left += place.width + columns.GAP
        return None

    def on_resize(self) -> None:
        self._measure()
        self.virtual_size = Size(self.size.width, len(self.rows) + 1)
        if self._moved:
            self._go(self._cursor)
        self.refresh()
