"""A plan to read before it is confirmed: where, what was checked, what changes."""

from typing import Any, ClassVar

from rich.console import Group
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button, Footer, Static

from actions.model import Plan
from console.errors import ConsoleError, StalePlanError
from console.record import Key, Tone
from screens.confirm import ConfirmScreen, Question
from screens.desk_screen import DeskScreen
from screens.plan_text import plan_lines, shown
from screens.tones import glyph, sign


class PlanScreen(DeskScreen[str | None]):
    """Makes a plan and shows it; returns the id of the run it became, or None."""

    CSS_PATH = "plan.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back to the form", id="plan.back"),
        Binding(
            "enter",
            "confirm",
            "Confirm…",
            id="plan.confirm",
            tooltip="Asks to type the name; carries out nothing by itself",
        ),
        Binding("p", "plan", "Plan again", id="plan.again", tooltip="Look again; writes nothing"),
        Binding("j", "scroll_down", show=False, id="plan.down"),
        Binding("k", "scroll_up", show=False, id="plan.up"),
    ]

    def __init__(self, action: str, target: Key, inputs: dict[str, Any]) -> None:
        super().__init__()
        self._action = action
        self._target = target
        self._inputs = inputs
        self._plan: Plan | None = None
        self._starting = False

    def compose(self) -> ComposeResult:
        yield Static(
            f"Plan > {self._action} > {self._target}",
            id="plan-title",
            markup=False,
        )
        yield Static("", id="plan-production", markup=False)
        yield self.error_place()
        with VerticalScroll(id="plan-body"):
            yield Static("", id="plan-text", markup=False)
        with Horizontal(id="plan-buttons"):
            yield Button("Confirm…", id="plan-confirm", variant="primary", compact=True)
            yield Button("Plan again", id="plan-again", compact=True)
            yield Button("Back", id="plan-back", compact=True)
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#plan-body").focus()
        self.action_plan()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002  Textual's signature
        if action == "confirm":
            return True if self._may_run else None
        return True

    @property
    def _may_run(self) -> bool:
        return self._plan is not None and not self._plan.refusals and not self._starting

    @on(Button.Pressed, "#plan-again")
    def action_plan(self) -> None:
        self._plan = None
        self.show_error(None)
        self.query_one("#plan-text", Static).update("… planning: checks and a server-side dry run")
        self._settle()
        self._make_plan()

    @on(Button.Pressed, "#plan-back")
    def action_leave(self) -> None:
        if self._starting:
            self.notify("the run is being started; wait for it", severity="warning")
            return
        self.dismiss(None)

    @on(Button.Pressed, "#plan-confirm")
    def action_confirm(self) -> None:
        if not self._may_run or self._plan is None:
            return
        plan = self._plan
        self.app.push_screen(
            ConfirmScreen(_question(plan)), lambda typed: self._confirmed(plan, typed)
        )

    def _confirmed(self, plan: Plan, typed: str | None) -> None:
        if typed is not None:
            self._starting = True
            self._settle()
            self._run(plan, typed)

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def _make_plan(self) -> None:
        try:
            plan = await self.desk.plan(self._action, self._target, self._inputs)
        except ConsoleError as error:
            self.query_one("#plan-text", Static).update("No plan was made.")
            self.show_error(error)
            return
        self._plan = plan
        bar = self.query_one("#plan-production", Static)
        bar.update(f"PROD  {plan.place or plan.target.cluster}")
        bar.set_class(plan.production, "-shown")
        self.query_one("#plan-text", Static).update(Group(*plan_lines(plan)))
        self._settle()

    @work(group="run", exit_on_error=False)
    async def _run(self, plan: Plan, typed: str) -> None:
        try:
            run_id = await self.desk.run(plan, typed=typed)
        except ConsoleError as error:
            self._starting = False
            if isinstance(error, StalePlanError):
                self._plan = None
            self.show_error(error)
            self._settle()
            return
        self.dismiss(run_id)

    def _settle(self) -> None:
        button = self.query_one("#plan-confirm", Button)
        button.disabled = not self._may_run
        self.query_one("#plan-again", Button).disabled = self._starting
        refused = self._plan is not None and bool(self._plan.refusals)
        button.label = "Refused" if refused else "Confirm…"
        self.refresh_bindings()


def _question(plan: Plan) -> Question:
    count = sum(len(step.hunks) for step in plan.steps)
    return Question(
        title=plan.title,
        place=plan.place or str(plan.target),
        production=plan.production,
        lines=(
            f"{count} field{'s' if count != 1 else ''} will change on {plan.target}.",
            *_first_changes(plan),
            *(f"{glyph(Tone.WARN)} {warning.message}" for warning in plan.warnings),
        ),
        expected=plan.confirm or plan.target.name,
        verb="Run",
    )


def _first_changes(plan: Plan, limit: int = 6) -> list[str]:
    hunks = [hunk for step in plan.steps for hunk in step.hunks]
    lines = [
        f"  {hunk.field}  {shown(hunk.before)} {sign('→', '->')} {shown(hunk.after)}"
        for hunk in hunks[:limit]
    ]
    more = len(hunks) - limit
    return [*lines, f"  and {more} more"] if more > 0 else lines
