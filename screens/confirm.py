"""The last question before something is written: type the name, or leave."""

from typing import ClassVar

import msgspec
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from console.record import Tone
from screens.tones import glyph


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: where it acts, what it does, and the word to type."""

    title: str
    place: str
    expected: str
    production: bool = False
    lines: tuple[str, ...] = ()
    verb: str = "Run"


class ConfirmScreen(ModalScreen[str | None]):
    """Returns what was typed once it is the name asked for; enter alone only leaves."""

    CSS_PATH = "confirm.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel", id="confirm.cancel"),
    ]

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        question = self._question
        with Vertical(id="confirm", classes="-production" if question.production else ""):
            mark = "PROD  " if question.production else ""
            yield Static(f"{mark}{question.place}", id="confirm-place", markup=False)
            yield Static(question.title, id="confirm-title", markup=False)
            for line in question.lines:
                yield Static(line, classes="confirm-line", markup=False)
            yield Static(
                f"Type {question.expected} to {question.verb.lower()} it; esc leaves.",
                id="confirm-ask",
                markup=False,
            )
            yield Input(
                placeholder=question.expected,
                id="confirm-name",
                compact=True,
                select_on_focus=False,
            )
            yield Static("", id="confirm-note", markup=False)
            with Horizontal(id="confirm-buttons"):
                yield Button("Cancel", id="confirm-cancel", variant="primary", compact=True)
                yield Button(
                    question.verb, id="confirm-run", variant="error", compact=True, disabled=True
                )

    def on_mount(self) -> None:
        self.query_one("#confirm-cancel").focus()

    def on_key(self, event: events.Key) -> None:
        field = self.query_one(Input)
        if event.is_printable and event.character and event.key != "space" and not field.has_focus:
            field.focus()
            field.insert_text_at_cursor(event.character)
            event.stop()

    @on(Button.Pressed, "#confirm-cancel")
    def action_leave(self) -> None:
        self.dismiss(None)

    @on(Input.Changed)
    def _typed(self) -> None:
        self.query_one("#confirm-run", Button).disabled = not self._matches
        self.query_one("#confirm-note", Static).update(
            f"{glyph(Tone.OK)} the name matches; enter carries it out" if self._matches else ""
        )

    @on(Input.Submitted)
    @on(Button.Pressed, "#confirm-run")
    def _run(self) -> None:
        if self._matches:
            self.dismiss(self.query_one(Input).value.strip())
            return
        self.query_one("#confirm-note", Static).update(
            f"{glyph(Tone.BAD)} not {self._question.expected}; nothing was done"
        )

    @property
    def _matches(self) -> bool:
        return self.query_one(Input).value.strip() == self._question.expected
