"""Runs: what was carried out, by whom, and how it stands."""

from enum import StrEnum
from typing import Any

import msgspec

from console.clock import format_time
from console.record import Record, Tone, Word
from console.store import Snapshot
from console.units import format_age
from console.view import Column, View


class RunState(StrEnum):
    """The life of a run."""

    PLANNED = "planned"
    CONFIRMED = "confirmed"
    RUNNING = "running"
    PAUSED = "paused"
    UNDOING = "undoing"
    SUCCEEDED = "succeeded"
    UNDONE = "undone"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more will happen in it."""
        return self in _OVER

    @property
    def is_resumable(self) -> bool:
        """Tell whether `resume` makes sense."""
        return self in (RunState.PAUSED, RunState.INTERRUPTED)


_OVER = frozenset({RunState.SUCCEEDED, RunState.UNDONE, RunState.FAILED, RunState.CANCELLED})
_TONES = {
    RunState.PLANNED: Tone.OFF,
    RunState.CONFIRMED: Tone.PROGRESS,
    RunState.RUNNING: Tone.PROGRESS,
    RunState.PAUSED: Tone.WARN,
    RunState.UNDOING: Tone.PROGRESS,
    RunState.SUCCEEDED: Tone.OK,
    RunState.UNDONE: Tone.WARN,
    RunState.FAILED: Tone.BAD,
    RunState.CANCELLED: Tone.OFF,
    RunState.INTERRUPTED: Tone.BAD,
}


class StepOutcome(StrEnum):
    """How a step stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNDONE = "undone"
    UNKNOWN = "unknown"
    """Asked, and the answer was lost; only looking again decides."""


class RunStep(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A step or a check of a run as the journal tells it."""

    id: str
    title: str
    outcome: StepOutcome = StepOutcome.PENDING
    detail: str = ""
    attempts: int = 0
    started_at: float | None = None
    ended_at: float | None = None
    outputs: dict[str, Any] = {}


class Run(Record, frozen=True, kw_only=True):
    """One execution of a plan; its key stands at the target's cluster and namespace."""

    plan_id: str
    action: str
    title: str
    target_name: str
    state: RunState
    steps: tuple[RunStep, ...] = ()
    actor: str = ""
    host: str = ""
    started_at: float
    ended_at: float | None = None
    heartbeat_at: float
    reason: str = ""
    """Why the action was asked for."""
    error: str = ""
    """What went wrong, and what to do next."""
    outputs: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def id(self) -> str:
        """Return the run's id."""
        return self.key.name

    @property
    def unverified(self) -> bool:
        """Tell whether what was done did not show its effect."""
        return any(
            step.id.startswith("verify") and step.outcome is StepOutcome.FAILED
            for step in self.steps
        )


def word(run: Run, _: Snapshot) -> Word:
    """Name the run's state."""
    return Word(run.state.upper(), _TONES[run.state], run.error)


def _progress(run: Run, _: Snapshot) -> str:
    done = sum(step.outcome is not StepOutcome.PENDING for step in run.steps)
    return f"{done}/{len(run.steps)}"


def _age(run: Run, look: Snapshot) -> str:
    return format_age(look.now() - run.started_at)


def _facts(run: Run, look: Snapshot) -> list[tuple[str, str | Word]]:
    steps = [
        (f"Step {step.id}", f"{step.outcome}  {step.title}  {step.detail}".rstrip())
        for step in run.steps
    ]
    return [
        ("State", word(run, look)),
        ("Action", run.title),
        ("Target", f"{run.key.cluster}/{run.target_name}"),
        ("Reason", run.reason),
        ("By", f"{run.actor} on {run.host}"),
        ("Started", format_time(run.started_at)),
        ("Ended", format_time(run.ended_at) if run.ended_at else "-"),
        *steps,
        ("Outputs", msgspec.json.encode(run.outputs).decode()),
    ]


VIEW = View(
    kind="run",
    title="Runs",
    record=Run,
    aliases=("runs", "history"),
    word=word,
    facts=_facts,
    columns=(
        Column[Run](title="Run", text=lambda run, _: run.id, order=lambda run, _: -run.started_at),
        Column[Run](title="Action", text=lambda run, _: run.action),
        Column[Run](title="Target", text=lambda run, _: run.target_name),
        Column[Run](
            title="State", text=word, order=lambda run, look: word(run, look).tone.severity
        ),
        Column[Run](title="Steps", text=_progress, right=True),
        Column[Run](title="By", text=lambda run, _: run.actor, wide=True),
        Column[Run](title="Reason", text=lambda run, _: run.reason),
        Column[Run](title="Age", text=_age, order=lambda run, _: -run.started_at, right=True),
    ),
)
