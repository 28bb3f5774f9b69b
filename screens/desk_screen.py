"""What the screens that ask the desk share: an error is shown in place, never as a traceback."""

from typing import TYPE_CHECKING, TypeVar, cast

from rich.text import Text
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from console.errors import ConsoleError, RefusedError
from console.record import Tone
from console.redact import printable
from console.store import Snapshot
from screens.tones import glyph, sign

if TYPE_CHECKING:
    from actions.desk import Desk
    from screens.app import ShifuApp

T = TypeVar("T")


class DeskScreen(Screen[T]):
    """A screen with a place for errors; compose it with `error_place`."""

    DEFAULT_CSS = """
    DeskScreen #desk-error {
        display: none;
        height: auto;
        border-left: thick $error;
        padding: 0 1;
        margin-bottom: 1;
    }
    DeskScreen #desk-error.-shown {
        display: block;
    }
    """

    @property
    def desk(self) -> "Desk":
        """Return the desk; these screens open only once there is one."""
        desk = cast("ShifuApp", self.app).desk
        if desk is None:
            raise ConsoleError("there is no desk yet", remedy="try again in a moment")
        return desk

    @property
    def look(self) -> Snapshot:
        """Return the read side of the store."""
        return cast("ShifuApp", self.app).look

    def error_place(self) -> Static:
        """Return the widget that errors are shown in."""
        return Static("", id="desk-error", markup=False)

    def show_error(self, error: ConsoleError | None) -> None:
        """Show an error above the rest, or clear it away."""
        place = self.query_one("#desk-error", Static)
        place.update("" if error is None else error_text(error))
        place.set_class(error is not None, "-shown")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR:
            fault = type(event.worker.error).__name__
            self.show_error(
                ConsoleError(
                    f"the console itself failed: {fault}: {event.worker.error}",
                    remedy="`:runs` shows what was carried out; report this with the log file",
                )
            )


def error_text(error: ConsoleError) -> Text:
    """Write what went wrong, each reason, and what to do next: no secrets, no control codes."""
    text = Text(f"{glyph(Tone.BAD)} {printable(error.message)}", style="bold")
    reasons = error.reasons if isinstance(error, RefusedError) else ()
    for reason in reasons:
        text.append(f"\n  {printable(reason)}", style="not bold")
    if error.remedy:
        text.append(f"\n  {sign('→', '->')} {printable(error.remedy)}", style="not bold italic")
    return text
