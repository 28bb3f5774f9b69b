"""Lines of text to read and walk through; a line may name a record that enter opens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from console.record import Key
from screens import keys, tones


@dataclass(frozen=True)
class Line:
    """One line; `key` when it stands for a record."""

    text: Text
    key: Key | None = None
    heading: bool = False


class Sheet(ScrollView, can_focus=True):
    """A page of lines with a cursor."""

    BINDINGS = keys.SHEET
    COMPONENT_CLASSES: ClassVar[set[str]] = {"sheet--cursor", "sheet--heading"}
    DEFAULT_CSS = """
    Sheet {
        height: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1;
        background: $background; color: $foreground;
        & > .sheet--cursor { background: $primary 35%; }
        & > .sheet--heading { color: $accent; text-style: bold; }
    }
    """

    @dataclass
    class Opened(Message):
        """A line that names a record was chosen."""

        key: Key

    def __init__(self, lines: Sequence[Line] = (), **options: Any) -> None:
        super().__init__(**options)
        self.lines: list[Line] = list(lines)
        self.cursor = 0

    def show(self, lines: Sequence[Line]) -> None:
        """Replace the lines; the cursor stays on its record, or its place."""
        before = self.lines[self.cursor] if self.cursor < len(self.lines) else None
        self.lines = list(lines)
        if before is not None and before.key is not None:
            same = (at for at, line in enumerate(self.lines) if line.key == before.key)
            self.cursor = next(same, self.cursor)
        self.cursor = min(self.cursor, max(0, len(self.lines) - 1))
        self.virtual_size = Size(self.size.width, len(self.lines))
        self.refresh()

    @property
    def current(self) -> Key | None:
        """Return the record that the cursor's line names."""
        return self.lines[self.cursor].key if self.cursor < len(self.lines) else None

    def on_mount(self) -> None:
        self.virtual_size = Size(self.size.width, len(self.lines))

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, len(self.lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        at = y + round(self.scroll_y)
        width = self.size.width
        plain = self.rich_style
        if at >= len(self.lines):
            return Strip([Segment(" " * width, plain)], width)
        line = self.lines[at]
        base = plain
        if at == self.cursor:
            base = self.get_component_rich_style("sheet--cursor")
        if line.heading:
            base += self.get_component_rich_style("sheet--heading", partial=True)
        arrow = tones.sign("▸", ">") if at == self.cursor else " "
        segments = [Segment(f"{arrow} ", base), *self._segments(line.text, base)]
        return Strip(segments).adjust_cell_length(width, base)

    def _segments(self, text: Text, base: Style) -> list[Segment]:
        parts = text.render(self.app.console, end="")
        return [Segment(part.text, base + part.style if part.style else base) for part in parts]

    def go(self, at: int) -> None:
        """Put the cursor on a line and bring it into sight."""
        before, self.cursor = self.cursor, max(0, min(at, len(self.lines) - 1))
        top, height = round(self.scroll_y), max(1, self.size.height)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, force=True)
        for line in (before, self.cursor):
            self.refresh(Region(0, line - round(self.scroll_y), self.size.width, 1))

    def action_move(self, by: int) -> None:
        """Move the cursor by lines."""
        self.go(self.cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by pages."""
        self.go(self.cursor + by * max(1, self.size.height - 1))

    def action_top(self) -> None:
        """Go to the first line."""
        self.go(0)

    def action_bottom(self) -> None:
        """Go to the last line."""
        self.go(len(self.lines) - 1)

    def action_open(self) -> None:
        """Open what the line names."""
        if self.current is not None:
            self.post_message(self.Opened(self.current))

    def on_click(self, event: events.Click) -> None:
        at = event.y + round(self.scroll_y)
        again = at == self.cursor and event.chain > 1
        self.go(at)
        if again:
            self.action_open()
