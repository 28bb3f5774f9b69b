"""The history of runs, newest first."""

from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Footer, Static

from actions.model import Run, RunState
from console.errors import ConsoleError
from console.resources.runs import VIEW
from console.store import ChangeBatch
from console.units import format_age
from screens.desk_screen import DeskScreen
from screens.run import RunScreen, ask_resume
from screens.tones import tone_text

_FILTERS: tuple[tuple[str, frozenset[RunState]], ...] = (
    ("all", frozenset(RunState)),
    ("going on", frozenset(state for state in RunState if not state.is_over)),
    ("to be resumed", frozenset(state for state in RunState if state.is_resumable)),
    ("not well ended", frozenset({RunState.FAILED, RunState.UNDONE, RunState.CANCELLED})),
    ("succeeded", frozenset({RunState.SUCCEEDED})),
)
_COLUMNS = ("Started", "Run", "State", "Target", "Action", "Reason", "By")


class RunsScreen(DeskScreen[None]):
    """Lists what was carried out; enter opens one, `f` chooses by state."""

    CSS_PATH = "runs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Back", id="runs.back"),
        Binding("f", "filter", "Which", id="runs.filter", tooltip="Next choice of states"),
        Binding(
            "a", "ask_resume", "Resume…", id="runs.resume", tooltip="Looks first, then goes on"
        ),
        Binding("j", "down", show=False, id="runs.down"),
        Binding("k", "up", show=False, id="runs.up"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._which = 0
        self._runs: list[Run] = []

    def compose(self) -> ComposeResult:
        yield Static("", id="runs-title", markup=False)
        yield self.error_place()
        yield DataTable[Text](id="runs-table", cursor_type="row", zebra_stripes=True)
        yield Static("", id="runs-empty", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        table = self._table
        table.add_columns(*_COLUMNS)
        table.focus()
        self.redraw()

    def on_screen_resume(self) -> None:
        self.redraw()

    def on_batch(self, batch: ChangeBatch) -> None:
        if "run" in batch.kinds:
            self.redraw()

    def redraw(self) -> None:
        """Show the runs chosen, the cursor staying on its run."""
        if not self.query("#runs-table") or not self._table.columns:
            return
        name, states = _FILTERS[self._which]
        try:
            known = self.desk.runs()
        except ConsoleError as error:
            self.show_error(error)
            known = []
        chosen = self._chosen
        self._runs = sorted(
            (run for run in known if run.state in states),
            key=lambda run: run.started_at,
            reverse=True,
        )
        self.query_one("#runs-title", Static).update(
            f"Runs > {name} {len(self._runs)} of {len(known)}"
        )
        self.query_one("#runs-empty", Static).update(_why_empty(name, len(known), self._runs))
        self._fill(chosen)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002  Textual's signature
        if action == "ask_resume":
            run = self._chosen
            return True if run is not None and run.state.is_resumable else None
        return True

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_filter(self) -> None:
        self._which = (self._which + 1) % len(_FILTERS)
        self.redraw()

    def action_down(self) -> None:
        self._table.action_cursor_down()

    def action_up(self) -> None:
        self._table.action_cursor_up()

    def action_ask_resume(self) -> None:
        run = self._chosen
        if run is not None:
            ask_resume(self, run, lambda: self._resume(run.id))

    @on(DataTable.RowSelected)
    def _open(self, event: DataTable.RowSelected) -> None:
        if event.row_key.value is not None:
            self.app.push_screen(RunScreen(event.row_key.value))

    @on(DataTable.RowHighlighted)
    def _moved(self) -> None:
        self.refresh_bindings()

    @work(group="resume", exit_on_error=False)
    async def _resume(self, run_id: str) -> None:
        self.show_error(None)
        try:
            resumed = await self.desk.resume(run_id)
        except ConsoleError as error:
            self.show_error(error)
            return
        self.app.push_screen(RunScreen(resumed))

    @property
    def _table(self) -> DataTable[Text]:
        return self.query_one("#runs-table", DataTable)

    @property
    def _chosen(self) -> Run | None:
        row = self._table.cursor_row
        return self._runs[row] if 0 <= row < len(self._runs) else None

    def _fill(self, chosen: Run | None) -> None:
        table = self._table
        table.clear()
        for run in self._runs:
            table.add_row(*self._cells(run), key=run.id)
        ids = [run.id for run in self._runs]
        if chosen is not None and chosen.id in ids:
            table.move_cursor(row=ids.index(chosen.id))
        table.display = bool(ids)

    def _cells(self, run: Run) -> tuple[Text, ...]:
        plain = (
            f"{format_age(self.look.now() - run.started_at)} ago",
            run.id,
            tone_text(VIEW.word(run, self.look)),
            f"{run.key.cluster}/{run.target_name}",
            run.action,
            run.reason,
            run.actor,
        )
        # As Text, because a table reads markup in a string.
        return tuple(Text(cell) if isinstance(cell, str) else cell for cell in plain)


def _why_empty(name: str, known: int, runs: list[Run]) -> str:
    if runs:
        return ""
    if not known:
        return "Nothing was carried out yet. `a` on a tenant offers what can be."
    return f"None of {known} runs is in “{name}”; `f` shows the next choice."
