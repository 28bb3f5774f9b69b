"""A virtual table: knows columns and batches, never kinds; renders only the lines on screen."""

import asyncio
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from console.record import Key, Record
from console.store import PROBE, ChangeBatch, Snapshot
from console.view import View
from screens import keys
from screens.widgets import columns
from screens.widgets.painter import Inks, Painter
from screens.widgets.rows import Rows, Wanted

_SLICE_SECONDS = 0.003
"""A key press waits for a few slices; each is a fraction of what a hand notices."""
_SETTLE_SECONDS = 0.5
_MANY = 5_000
_SHARE = 20
"""Looking at everything again may take one part in so many of the time."""


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
        tells_age: bool = False,
        **options: Any,
    ) -> None:
        """Show a view; `merge_first` blanks a first column that repeats the row above."""
        super().__init__(**options)
        self.rows = Rows(view, look, wanted, tells_age=tells_age)
        self.painter = Painter(self.rows, pinned=pinned, merge_first=merge_first)
        self.marks: dict[Key, None] = {}
        self.cursor_key: Key | None = None
        self.cursor = 0
        self._empty = empty
        self._moved = False
        self._last_mark: Key | None = None
        self._inks_made: Inks | None = None
        self._seen_version = look.version(view.watched)
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
        self.painter.forget_widths()
        self._next_look = self._settled_at = 0.0
        self._start_pump()

    @property
    def current(self) -> Record | None:
        """Return the record under the cursor."""
        key = self.rows.key_at(self.cursor)
        return None if key is None else self.rows.get(key)

    @property
    def targets(self) -> list[Record]:
        """Return the marked records; the one under the cursor when there are none."""
        marked = [self.rows.get(key) for key in self.marks]
        found = [record for record in marked if record is not None]
        current = self.current
        return found or ([current] if current is not None else [])

    # -- keeping up ------------------------------------------------------------------------

    def on_mount(self) -> None:
        self.rows.reread()
        self._start_pump()
        self.set_interval(1.0, self._tick)

    def on_batch(self, batch: ChangeBatch) -> None:
        """Take in what changed; called at most ten times a second."""
        for key in self.rows.note(batch):
            self._light(key)
        own = {*self.view.watched, PROBE}
        self._sources_moved |= any(kind in own for _, kind in batch.sources)
        self._look_again()
        self._start_pump()
        if not len(self.rows):
            self.refresh()

    def _tick(self) -> None:
        """Let ages and freshness move on."""
        if self.is_attached and self.screen.is_current:
            self._look_again()
            self.painter.refresh_words()
            self.painter.measure(self.size.width)
            self.refresh()

    def look_again(self) -> None:
        """Read everything again now: what rows are derived from was changed by its owner."""
        self._next_look = 0.0
        self._sources_moved = True
        self._look_again()

    def _look_again(self) -> None:
        """Read everything again when other kinds that decide about our rows have changed."""
        view = self.view
        depends = view.derive is not None or bool(view.needs)
        version = self.rows.look.version(view.watched)
        moved = self._sources_moved or (depends and version != self._seen_version)
        now = time.monotonic()
        if not moved or self.rows.dirty or now < self._next_look:
            return
        self._seen_version, self._sources_moved = version, False
        began = time.perf_counter()
        if view.derive is not None:
            for key in self.rows.derive():
                self._light(key)
        self.rows.reread_known()
        self._spent = time.perf_counter() - began
        self._next_look = now + max(_SETTLE_SECONDS, self._spent * _SHARE)
        self._start_pump()

    def _start_pump(self) -> None:
        if self.is_attached and not self._pumping and (self.rows.dirty or self.rows.unsettled):
            self._pumping = True
            self.run_worker(self._pump(), group="rows")

    async def _pump(self) -> None:
        """Work off the rows that may have changed, in slices between which keys are answered."""
        many = len(self.rows.dirty) > _MANY
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
        self._next_look = max(self._next_look, time.monotonic() + self._spent * _SHARE)
        self._spent = 0.0
        self._settle_soon()
        if many:
            # What was just made stays for long; looking through it for garbage makes keys wait.
            gc.freeze()

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
        before = self._on_screen()
        if self.rows.unsettled:
            self.rows.settle()
            self._resize_virtual()
            self._follow_cursor()
            self.marks = {key: None for key in self.marks if self.rows.get(key) is not None}
        if self.painter.measure(self.size.width) or before != self._on_screen() or not before:
            self.refresh()
        self.post_message(self.Settled())
        self.call_after_refresh(self._widen)

    def _widen(self) -> None:
        """Give columns the room that painting showed they need."""
        if self.painter.grown and self.painter.measure(self.size.width):
            self.refresh()

    def _on_screen(self) -> list[Key | None]:
        top = round(self.scroll_y)
        last = min(len(self.rows), top + self.size.height)
        return [self.rows.key_at(at) for at in range(top, last)]

    def _resize_virtual(self) -> None:
        self.virtual_size = Size(self.size.width, len(self.rows) + 1)

    def _follow_cursor(self) -> None:
        before = self.cursor
        at = None if self.cursor_key is None else self.rows.index(self.cursor_key)
        if at is not None:
            self.cursor = at
            self._scroll_rows(round(self.scroll_y) + at - before)
        elif self._moved:
            self.cursor = max(0, min(before, len(self.rows) - 1))
        if self._moved or not self._filling():
            self.cursor_key = self.rows.key_at(self.cursor)

    def _filling(self) -> bool:
        """Tell whether first rows still come: until then the cursor stays at the top."""
        return any(
            source.kind in self.view.watched and source.complete_at is None and not source.error
            for source in self.rows.look.sources()
        )

    # -- painting --------------------------------------------------------------------------

    def _light(self, key: Key) -> None:
        if self.painter.light(key):
            at = self.rows.index(key)
            if at is not None:
                self._refresh_row(at)

    def _refresh_row(self, index: int) -> None:
        line = index - round(self.scroll_y) + 1
        if 1 <= line < self.size.height:
            self.refresh(Region(0, line, self.size.width, 1))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._inks_made = None

    @property
    def _inks(self) -> Inks:
        if self._inks_made is None:
            header = self.get_component_rich_style("table--header")
            self._inks_made = Inks(
                plain=self.rich_style,
                cursor=self.get_component_rich_style("table--cursor"),
                header=header,
                chosen=header + Style(reverse=True),
                dim=self.get_component_rich_style("table--dim", partial=True),
                lit=Style(bold=True, underline=True),
                marked=self.get_component_rich_style("table--marked", partial=True),
            )
        return self._inks_made

    def render_line(self, y: int) -> Strip:
        if y == 0:
            return self.painter.header(self._inks)
        index = y - 1 + round(self.scroll_y)
        if index >= len(self.rows):
            return self._blank(y)
        key = self.rows.key_at(index)
        return self.painter.row(
            index,
            self._inks,
            on_cursor=index == self.cursor,
            marked=key in self.marks,
            top=y == 1,
        )

    def _blank(self, y: int) -> Strip:
        lines = [] if len(self.rows) else self._empty()
        text = lines[y - 2] if 0 <= y - 2 < len(lines) else ""
        width = self.size.width
        return Strip([Segment(columns.fit(f"  {text}", width), self._inks.plain)], width)

    # -- moving ----------------------------------------------------------------------------

    def go(self, index: int) -> None:
        """Put the cursor on a row and bring it into sight."""
        if not len(self.rows):
            return
        before = self.cursor
        self._moved = True
        self.cursor = max(0, min(index, len(self.rows) - 1))
        self.cursor_key = self.rows.key_at(self.cursor)
        height = max(1, self.size.height - 1)
        top = round(self.scroll_y)
        if self.cursor < top:
            self._scroll_rows(self.cursor)
        elif self.cursor >= top + height:
            self._scroll_rows(self.cursor - height + 1)
        self._refresh_row(before)
        self._refresh_row(self.cursor)

    def _scroll_rows(self, top: int) -> None:
        if round(self.scroll_y) != top:
            self.scroll_to(y=max(0, top), animate=False, force=True)

    def go_to(self, key: Key) -> None:
        """Put the cursor on a row, now or when it arrives."""
        self.cursor_key = key
        self._moved = True
        at = self.rows.index(key)
        if at is not None:
            self.go(at)

    def action_move(self, by: int) -> None:
        """Move the cursor by rows."""
        self.go(self.cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by pages."""
        self.go(self.cursor + by * max(1, self.size.height - 2))

    def action_top(self) -> None:
        """Go to the first row."""
        self.go(0)

    def action_bottom(self) -> None:
        """Go to the last row."""
        self.go(len(self.rows) - 1)

    def action_open(self) -> None:
        """Open the row under the cursor."""
        key = self.rows.key_at(self.cursor)
        if key is not None:
            self.post_message(self.Opened(key))

    # -- marks -----------------------------------------------------------------------------

    def action_mark(self) -> None:
        """Mark the row, or take its mark away; then go on to the next."""
        key = self.rows.key_at(self.cursor)
        if key is None:
            return
        if key in self.marks:
            del self.marks[key]
        else:
            self.marks[key] = None
        self._last_mark = key
        self.go(self.cursor + 1)
        self.post_message(self.Settled())

    def action_mark_range(self) -> None:
        """Mark from the last mark to the cursor."""
        start = None if self._last_mark is None else self.rows.index(self._last_mark)
        low, high = sorted((self.cursor if start is None else start, self.cursor))
        keys_between = (self.rows.key_at(index) for index in range(low, high + 1))
        self.marks |= {key: None for key in keys_between if key is not None}
        self.refresh()
        self.post_message(self.Settled())

    def action_unmark(self) -> None:
        """Take every mark away."""
        self.marks.clear()
        self._last_mark = None
        self.refresh()
        self.post_message(self.Settled())

    # -- order and columns -----------------------------------------------------------------

    def action_choose(self, by: int) -> None:
        """Choose a column to sort by, or to bring into sight."""
        self.painter.choose(by)
        self.refresh()

    def sort_by(self, index: int) -> None:
        """Sort by a column; asked again, the other way round."""
        backwards = self.wanted.sort == index and not self.wanted.backwards
        self.want(replace(self.wanted, sort=index, backwards=backwards))

    @property
    def wide(self) -> bool:
        """Tell whether more columns are shown."""
        return self.painter.wide

    @wide.setter
    def wide(self, wide: bool) -> None:
        self.painter.wide = wide
        self.painter.forget_widths()
        self.painter.measure(self.size.width)
        self.painter.lay_out()
        self.refresh()

    # -- mouse and size --------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        if event.y == 0:
            index = self.painter.column_at(event.x)
            if index is not None:
                self.painter.chosen = index
                self.sort_by(index)
            return
        row = event.y - 1 + round(self.scroll_y)
        if row < len(self.rows):
            again = row == self.cursor and event.chain > 1
            self.go(row)
            if again:
                self.action_open()

    def on_resize(self) -> None:
        self.painter.measure(self.size.width)
        self._resize_virtual()
        if self._moved:
            self.go(self.cursor)
        self.refresh()
