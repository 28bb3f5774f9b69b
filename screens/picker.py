"""Choose an action for what the cursor is on; what cannot be done now says why."""

from typing import ClassVar

import msgspec
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from console.record import Tone
from screens.tones import glyph


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the picker; `refusal` says why it cannot be taken."""

    name: str
    title: str
    risk: str = ""
    refusal: str = ""


class PickerScreen(ModalScreen[str | None]):
    """A menu that returns the name of what was chosen."""

    CSS_PATH = "picker.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Back", id="picker.back", tooltip="Choose nothing"),
        Binding("j", "down", show=False, id="picker.down"),
        Binding("k", "up", show=False, id="picker.up"),
    ]

    def __init__(self, title: str, choices: list[Choice]) -> None:
        super().__init__()
        self._heading = title
        self._choices = choices

    def compose(self) -> ComposeResult:
        with Vertical(id="picker"):
            yield Static(self._heading, id="picker-title", markup=False)
            yield OptionList(*map(_option, self._choices), id="picker-list")
            yield Static("enter choose   esc back", id="picker-keys")

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_down(self) -> None:
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        self.query_one(OptionList).action_cursor_up()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)


def _option(choice: Choice) -> Option:
    line = Text(choice.title, style="bold" if not choice.refusal else "")
    line.append(f"  {choice.name}", style="dim")
    if choice.risk:
        line.append(f"  {choice.risk}", style="italic")
    if choice.refusal:
        line.append(f"\n  {glyph(Tone.FORBIDDEN)} not now: {choice.refusal}")
    return Option(line, id=choice.name, disabled=bool(choice.refusal))
