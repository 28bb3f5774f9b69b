"""A run as lines to read: its state, its steps, what to do next."""

from collections.abc import Iterator
from typing import Any

from rich.table import Table
from rich.text import Text

from actions.model import Run, RunState, RunStep, StepOutcome
from console.clock import format_time
from console.record import Tone, Word
from console.resources.runs import VIEW
from console.store import Snapshot
from console.units import format_age
from screens.tones import sign, tone_text

_TONES = {
    StepOutcome.PENDING: Tone.OFF,
    StepOutcome.RUNNING: Tone.PROGRESS,
    StepOutcome.DONE: Tone.OK,
    StepOutcome.FAILED: Tone.BAD,
    StepOutcome.SKIPPED: Tone.OFF,
    StepOutcome.UNDONE: Tone.WARN,
    StepOutcome.UNKNOWN: Tone.UNKNOWN,
}
_NEXT = {
    RunState.PAUSED: "paused: `a` looks at what is so and goes on",
    RunState.INTERRUPTED: "its console is gone: `a` looks at what is so and goes on",
    RunState.SUCCEEDED: "done and verified",
    RunState.UNDONE: "what was changed was put back",
    RunState.FAILED: "not undone; the detail of the failed step says what is so now",
    RunState.CANCELLED: "stopped on request",
}


def head_lines(run: Run, look: Snapshot) -> Iterator[Text]:
    """Write what a run is, who started it and how it stands."""
    state = tone_text(VIEW.word(run, look))
    if run.state in _NEXT:
        state.append(f"  {_NEXT[run.state]}", style="not bold dim")
    yield _pair("State", state)
    yield _pair("Action", run.title)
    yield _pair("Target", f"{run.key.cluster}/{run.target_name}")
    yield _pair("Reason", run.reason or "-")
    yield _pair("By", f"{run.actor} on {run.host}")
    end = run.ended_at if run.ended_at is not None else look.now()
    ended = "" if run.ended_at is None else f"  ended {format_time(run.ended_at)}"
    yield _pair(
        "Started", f"{format_time(run.started_at)}{ended}  {format_age(end - run.started_at)}"
    )
    if run.error:
        yield _pair("Error", Text(run.error, style="bold"))
    for name, value in run.outputs.items():
        yield _pair(name.capitalize(), _output(value))


def step_table(run: Run, now: float) -> Table:
    """Write the steps: outcome, how long, and the detail in full."""
    table = Table(box=None, pad_edge=False, expand=True, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("Step", ratio=3)
    table.add_column("Outcome", no_wrap=True, min_width=11)
    table.add_column("Took", no_wrap=True, justify="right", min_width=5)
    table.add_column("Detail", ratio=5)
    for step in run.steps:
        word = Word(step.outcome.value, _TONES[step.outcome])
        table.add_row(Text(step.title), tone_text(word), _took(step, now), _detail(step))
    return table


def _output(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    return str(value)


def _took(step: RunStep, now: float) -> str:
    if step.started_at is None:
        return "-"
    return format_age((step.ended_at or now) - step.started_at)


def _detail(step: RunStep) -> Text:
    tries = f" ({step.attempts} tries)" if step.attempts > 1 else ""
    return Text(f"{step.detail}{tries}" or sign("–", "-"))  # noqa: RUF001  an en dash on purpose


def _pair(label: str, value: str | Text) -> Text:
    return Text(f"{label:<9}", style="dim").append_text(
        Text(value, style="not dim") if isinstance(value, str) else value
    )
