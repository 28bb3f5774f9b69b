"""A line of text that is cut at the edge, never wrapped."""

from typing import Any

from rich.text import Text
from textual.widget import Widget


class OneLine(Widget):
    """Shows one line, or as many as its text has."""

    DEFAULT_CSS = "OneLine { height: auto; width: 1fr; }"

    def __init__(self, text: Text | str = "", **options: Any) -> None:
        super().__init__(**options)
        self._text = Text()
        self.show(text)

    @property
    def text(self) -> Text:
        """Return what it shows."""
        return self._text

    def show(self, text: Text | str) -> None:
        """Change the text; nothing is painted when it is the same."""
        new = Text(text) if isinstance(text, str) else text
        if new == self._text and new.spans == self._text.spans:
            return
        lines_differ = new.plain.count("\n") != self._text.plain.count("\n")
        new.no_wrap = True
        new.overflow = "ellipsis"
        self._text = new
        self.refresh(layout=lines_differ)

    def render(self) -> Text:
        return self._text
