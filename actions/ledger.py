"""One run as it goes: every change of it is a row in the journal before it is seen."""

import asyncio
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec

from actions.journal import Event, Journal
from actions.model import Plan, PlannedStep, Run, RunState, RunStep, StepOutcome
from actions.owner import Owner
from actions.steps.base import Effect
from console.clock import Clock


class Ledger:
    """Holds the run and writes its rows; what it shows is on disk already."""

    def __init__(
        self,
        plan: Plan,
        run: Run,
        *,
        journal: Journal,
        owner: Owner,
        clock: Clock,
        on_change: Callable[[Run], None],
    ) -> None:
        self.plan = plan
        self.run = run
        self.owner = owner
        self._journal = journal
        self._clock = clock
        self._on_change = on_change

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        """Return the outputs of the steps that were done, by id."""
        return {step.id: step.outputs for step in self.run.steps if step.outputs}

    def step(self, step_id: str) -> RunStep:
        """Return a step as it stands."""
        return next(step for step in self.run.steps if step.id == step_id)

    async def state(self, state: RunState, *, why: str = "", error: str = "") -> None:
        """Enter a state."""
        ended = self._clock.now() if state.is_over else None
        run = msgspec.structs.replace(
            self.run, state=state, ended_at=ended, error=error or self.run.error
        )
        await self._write(run, self.event("state", run, outcome=why, detail=error))

    async def intent(self, step: PlannedStep, attempt: int, *, undo: bool = False) -> None:
        """Say what is about to be done; on disk when this returns."""
        now = self._clock.now()
        run = self._with(step.id, outcome=StepOutcome.RUNNING, attempts=attempt, started_at=now)
        event = self.event("intent", run, step=step.id, attempt=attempt, undo=undo)
        await self._write(run, msgspec.structs.replace(event, before=step.seen, after=step.values))

    async def result(
        self,
        step_id: str,
        outcome: StepOutcome,
        *,
        phase: str = "result",
        detail: str = "",
        effect: Effect | None = None,
        undo: bool = False,
    ) -> None:
        """Say what came of it."""
        now, before = self._clock.now(), self.step(step_id)
        outputs = effect.outputs if effect and not undo else before.outputs
        run = self._with(step_id, outcome=outcome, detail=detail, ended_at=now, outputs=outputs)
        event = self.event(
            phase, run, step=step_id, attempt=before.attempts, outcome=outcome, detail=detail
        )
        spent = None if before.started_at is None else now - before.started_at
        event = msgspec.structs.replace(event, undo=undo, duration_seconds=spent, outputs=outputs)
        if effect is not None:
            event = msgspec.structs.replace(
                event, object=effect.object, before=effect.before, after=effect.after
            )
        await self._write(run, event)

    async def outputs_are(self, outputs: dict[str, Any]) -> None:
        """Keep the run's named values."""
        run = msgspec.structs.replace(self.run, outputs=outputs)
        await self._write(run, self.event("state", run, detail="outputs"))

    def show(self, step_id: str, detail: str) -> None:
        """Show progress that is not worth a row."""
        step = self.step(step_id)
        started = step.started_at or self._clock.now()
        self.run = self._with(
            step_id, outcome=StepOutcome.RUNNING, detail=detail, started_at=started
        )
        self._on_change(self.run)

    async def beat(self) -> None:
        """Give a sign of life."""
        await asyncio.to_thread(self._journal.beat, self.run.id, self.owner)

    def event(
        self,
        phase: str,
        run: Run,
        *,
        step: str = "",
        attempt: int = 0,
        undo: bool = False,
        outcome: str = "",
        detail: str = "",
    ) -> Event:
        """Make a row about the run, with who, where and by what plan."""
        plan = self.plan
        return Event(
            run=run.id,
            phase=phase,
            state=run.state,
            step=step,
            attempt=attempt,
            undo=undo,
            outcome=outcome,
            detail=detail,
            cluster=plan.target.cluster,
            actor=plan.actor,
            os_user=self.owner.user,
            host=self.owner.host,
            program=program(),
            manifest=f"{plan.action}@{plan.version}",
            manifest_hash=plan.manifest_hash,
            fingerprint=plan.fingerprint,
        )

    def _with(self, step_id: str, **changed: Any) -> Run:
        steps = tuple(
            msgspec.structs.replace(step, **changed) if step.id == step_id else step
            for step in self.run.steps
        )
        return msgspec.structs.replace(self.run, steps=steps)

    async def _write(self, run: Run, event: Event) -> None:
        await asyncio.to_thread(self._journal.record, run, self.owner, event)
        self.run = run
        self._on_change(run)


def program() -> str:
    """Return our name and version, for the journal."""
    try:
        return f"shifu-console {version('shifu-console')}"
    except PackageNotFoundError:
        return "shifu-console"
