"""One run, live: its steps, what each found, and how to stop it or go on."""

from collections.abc import Callable
from typing import ClassVar

from rich.console import Group
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Footer, Static

from actions.model import Run, RunState
from console.errors import ConsoleError
from console.store import ChangeBatch
from screens.confirm import ConfirmScreen, Question
from screens.desk_screen import DeskScreen
from screens.picker import Choice, PickerScreen
from screens.run_text import head_lines, step_table

_STOPPABLE = (RunState.CONFIRMED, RunState.RUNNING)


class RunScreen(DeskScreen[None]):
    """Shows a run as the journal tells it; leaving it does not stop the run."""

    CSS_PATH = "run.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Back", id="run.back", tooltip="The run goes on"),
        Binding("x,ctrl+c", "ask_cancel", "Cancel…", id="run.cancel", tooltip="Asks first"),
        Binding("a", "ask_resume", "Resume…", id="run.resume", tooltip="Looks first, then goes on"),
        Binding("j", "scroll_down", show=False, id="run.down"),
        Binding("k", "scroll_up", show=False, id="run.up"),
    ]

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self._run_id = run_id
        self._run: Run | None = None

    def compose(self) -> ComposeResult:
        yield Static(f"Run > {self._run_id}", id="run-title", markup=False)
        yield self.error_place()
        with VerticalScroll(id="run-body"):
            yield Static("", id="run-head", markup=False)
            yield Static("", id="run-steps", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#run-body").focus()
        self.redraw()
        self.set_interval(1.0, self.redraw)

    def on_batch(self, batch: ChangeBatch) -> None:
        if "run" in batch.kinds:
            self.redraw()

    def redraw(self) -> None:
        """Show the run as it stands now."""
        if not self.query("#run-steps") or (self._run is not None and self._run.state.is_over):
            return
        try:
            run = self.desk.show(self._run_id)
        except ConsoleError as error:
            self.show_error(error)
            return
        self._run = run
        self.query_one("#run-head", Static).update(Group(*head_lines(run, self.look)))
        self.query_one("#run-steps", Static).update(step_table(run, self.look.now()))
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002  Textual's signature
        state = self._run.state if self._run else None
        match action:
            case "ask_cancel":
                return True if state in _STOPPABLE else None
            case "ask_resume":
                return True if state is not None and state.is_resumable else None
        return True

    def action_leave(self) -> None:
        if self._run is not None and not self._run.state.is_over:
            self.app.notify(
                f"{self._run_id} goes on; `:runs` shows it", title="Left running", markup=False
            )
        self.dismiss(None)

    def action_ask_cancel(self) -> None:
        choices = [
            Choice(name="keep", title="Let it run"),
            Choice(name="cancel", title="Cancel it", risk="stops after the step in hand"),
        ]
        self.app.push_screen(PickerScreen(f"Cancel {self._run_id}?", choices), self._answered)

    def _answered(self, answer: str | None) -> None:
        if answer != "cancel":
            return
        try:
            self.desk.cancel(self._run_id)
        except ConsoleError as error:
            self.show_error(error)

    def action_ask_resume(self) -> None:
        if self._run is not None:
            ask_resume(self, self._run, self._resume)

    @work(group="resume", exit_on_error=False)
    async def _resume(self) -> None:
        self.show_error(None)
        try:
            self._run_id = await self.desk.resume(self._run_id)
        except ConsoleError as error:
            self.show_error(error)
        self.redraw()


def ask_resume(screen: DeskScreen[None], run: Run, resume: Callable[[], object]) -> None:
    """Ask to type the target's name, then resume."""
    question = Question(
        title=f"Resume {run.title}",
        place=f"{run.key.cluster}/{run.target_name}",
        lines=(
            f"{run.id} is {run.state}. The step in doubt is looked at before anything is done.",
        ),
        expected=run.target_name,
        verb="Resume",
    )

    def answered(typed: str | None) -> None:
        if typed is not None:
            resume()

    screen.app.push_screen(ConfirmScreen(question), answered)
