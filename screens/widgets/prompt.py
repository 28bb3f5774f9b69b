"""The line where ':' commands and '/' filters are typed, with what could come next above it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Key
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from screens.widgets.one_line import OneLine

Completer = Callable[[str], list[str]]


class Prompt(Widget):
    """One question to the person; hidden until it is asked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel", id="prompt.leave", tooltip="Leave it as it was"),
        Binding("tab", "complete(1)", "Complete", id="prompt.complete", tooltip="The next word"),
        Binding(
            "shift+tab",
            "complete(-1)",
            "Complete",
            id="prompt.complete-back",
            tooltip="The word before",
        ),
        Binding(
            "up", "recall(-1)", "Earlier", id="prompt.earlier", tooltip="What was typed before"
        ),
        Binding("down", "recall(1)", "Later", id="prompt.later", tooltip="What was typed after"),
    ]
    DEFAULT_CSS = """
    Prompt {
        dock: bottom; height: auto; display: none; background: $panel;
        & OneLine { height: 1; color: $tone-stale; }
        & #prompt-row { height: 1; }
        & #prompt-sign { width: 2; color: $accent; text-style: bold; }
        & Input, & Input:focus { border: none; height: 1; padding: 0; background: $panel; }
    }
    """

    @dataclass
    class Done(Message):
        """Enter was pressed."""

        sign: str
        text: str

    @dataclass
    class Edited(Message):
        """The text changed."""

        sign: str
        text: str

    @dataclass
    class Left(Message):
        """Escape was pressed."""

        sign: str

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._sign = ":"
        self._complete: Completer | None = None
        self._found: list[str] = []
        self._at = -1
        self._typed = ""
        self._before: Widget | None = None
        self._past: dict[str, list[str]] = {}
        self._recalled = 0

    def compose(self) -> ComposeResult:
        yield OneLine(id="prompt-hint")
        with Horizontal(id="prompt-row"):
            yield OneLine(id="prompt-sign")
            yield Input(id="prompt-input", select_on_focus=False)

    @property
    def is_open(self) -> bool:
        """Tell whether something is being asked."""
        return self.display

    @property
    def _input(self) -> Input:
        return self.query_one("#prompt-input", Input)

    def ask(self, sign: str, text: str = "", complete: Completer | None = None) -> None:
        """Open the line with a text to begin from."""
        self._sign, self._complete = sign, complete
        self._recalled = 0
        self._before = self.screen.focused
        self.query_one("#prompt-sign", OneLine).show(sign)
        with self.prevent(Input.Changed):
            self._input.value = text
        self._input.cursor_position = len(text)
        # At once, not with the next layout: what is typed from now on belongs here.
        self.display = True
        self.screen.set_focus(self._input)
        self._suggest(text)

    def close(self) -> None:
        """Close the line and give the keys back."""
        self.display = False
        if self._before is not None and self._before.is_attached:
            self._before.focus()

    def take(self, key: Key) -> bool:
        """Take a key that was typed before the focus had moved here; False when it is not ours."""
        if not self.is_open:
            return False
        if key.key == "enter":
            self._submit()
        elif key.is_printable and key.character is not None:
            self._input.insert_text_at_cursor(key.character)
        else:
            return False
        return True

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.is_open:
            self._suggest(event.value)
            self.post_message(self.Edited(self._sign, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._submit()

    def _submit(self) -> None:
        text = self._input.value
        past = self._past.setdefault(self._sign, [])
        if text and past[-1:] != [text]:
            past.append(text)
        self.close()
        self.post_message(self.Done(self._sign, text))

    def action_leave(self) -> None:
        """Leave without doing anything."""
        self.close()
        self.post_message(self.Left(self._sign))

    def action_complete(self, by: int) -> None:
        """Put in the next of the found words."""
        if not self._found:
            return
        self._at = (self._at + by) % len(self._found)
        text = self._found[self._at]
        with self.prevent(Input.Changed):
            self._input.value = text
        self._input.cursor_position = len(text)
        self.post_message(self.Edited(self._sign, text))
        self._hint()

    def action_recall(self, by: int) -> None:
        """Bring back what was typed before."""
        past = self._past.get(self._sign, [])
        self._recalled = max(-len(past), min(0, self._recalled + by))
        self._input.value = past[self._recalled] if self._recalled else ""
        self._input.cursor_position = len(self._input.value)

    def _suggest(self, text: str) -> None:
        self._at = -1
        self._found = [] if self._complete is None else self._complete(text)
        self._hint()

    def _hint(self) -> None:
        start = max(0, self._at)
        shown = [line.split(" ")[-1] for line in self._found[start : start + 12]]
        self.query_one("#prompt-hint", OneLine).show("  ".join(shown))
