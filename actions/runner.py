"""Carries out a plan from its first step to its last word."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from actions.attempt import Attempts
from actions.checks import CHECKS
from actions.expressions import fill
from actions.inputs import parse_duration
from actions.ledger import Ledger
from actions.lock import RENEW_EVERY, Lock
from actions.manifest import Manifest
from actions.model import PlannedStep, RunState, StepOutcome
from actions.plan import condition_holds, step_spec
from actions.schema import OnCancel, OnFailure, Retry, Step, Undo, Verify
from actions.world import Report, World
from console.errors import (
    ConsoleError,
    JournalError,
    LinkError,
    LockedError,
    OutcomeUnknownError,
    StepFailedError,
    StepUnverifiedError,
)

_LOOK_EVERY = 2.0
_ALWAYS_RETRY = Retry(limit=3, backoff="2s")


class _CancelledRunError(ConsoleError):
    """A person asked for the end."""


class _TimedOutError(ConsoleError):
    """The whole run took longer than its manifest allows."""


class _LockLostError(ConsoleError):
    """We may not act any more."""


def verify_ids(manifest: Manifest) -> list[tuple[str, str, Verify]]:
    """Return id, title and check of every verification after the steps."""
    return [
        (f"verify-{place}", f"Verify {verify.check}", verify)
        for place, verify in enumerate(manifest.document.verify, start=1)
    ]


class Runner:
    """One run in this process; `ready` has the steps that an earlier one had filled in."""

    def __init__(
        self,
        ledger: Ledger,
        manifest: Manifest,
        world: World,
        locks: Sequence[Lock],
        *,
        ready: Mapping[str, PlannedStep] | None = None,
    ) -> None:
        self._ledger = ledger
        self._manifest = manifest
        self._world = world
        self._locks = locks
        self._clock = world.clock
        self._cancelled = asyncio.Event()
        self._deaf = False
        self._broken: ConsoleError | None = None
        self._ready = dict(ready or {})
        self._deadline = self._clock.monotonic() + parse_duration(manifest.document.timeout)

    def cancel(self) -> None:
        """Ask for a clean end: after the call that is under way."""
        self._cancelled.set()

    async def carry_out(self, *, undoing: str = "") -> None:
        """Go on until the run is over, paused or interrupted; `undoing` says why it goes back.

        Raises:
            JournalError: the record cannot be kept, so nothing more is done.

        """
        alive = asyncio.create_task(self._keep_alive())
        try:
            if undoing:
                await self._go_back(undoing, self._ledger.run.error)
            else:
                await self._go_on()
        except _LockLostError as lost:
            await self._ledger.state(RunState.INTERRUPTED, error=str(lost))
        finally:
            alive.cancel()
            await asyncio.wait({alive})
            await self._release()

    async def _go_on(self) -> None:
        await self._ledger.state(RunState.RUNNING)
        if not await self._settle_doubts():
            return
        document = self._manifest.document
        try:
            for planned, step in self._steps():
                await self._forward(planned, step)
            for step_id, _, verify in verify_ids(self._manifest):
                await self._verify(step_id, verify)
        except OutcomeUnknownError as unknown:
            await self._ledger.state(RunState.PAUSED, why="unknown", error=str(unknown))
        except _CancelledRunError as cancelled:
            await self._stop(document.on_cancel, "cancelled", str(cancelled))
        except _TimedOutError as late:
            await self._stop(document.on_cancel, "failed", str(late))
        except _FollowedError as failed:
            await self._follow(failed)
        else:
            await self._end(RunState.SUCCEEDED)

    async def _settle_doubts(self) -> bool:
        """Look at what was left unfinished; False when that cannot be told, and the run waits."""
        for planned, _ in self._steps():
            stands = self._ledger.step(planned.id).outcome
            if stands in (StepOutcome.RUNNING, StepOutcome.UNKNOWN, StepOutcome.FAILED):
                try:
                    await self._attempts(planned).settle()
                except OutcomeUnknownError as unknown:
                    await self._ledger.state(RunState.PAUSED, why="unknown", error=str(unknown))
                    return False
        return True

    def _steps(self) -> Iterable[tuple[PlannedStep, Step]]:
        declared = {step.id: step for step in self._manifest.document.steps}
        return [
            (self._ready.get(planned.id, planned), declared[planned.id])
            for planned in self._ledger.plan.steps
        ]

    async def _forward(self, planned: PlannedStep, step: Step) -> None:
        if self._ledger.step(step.id).outcome in (StepOutcome.DONE, StepOutcome.SKIPPED):
            return
        self._stop_if_asked()
        if step.if_ and not condition_holds(step.if_, self._scope()):
            await self._ledger.result(step.id, StepOutcome.SKIPPED, detail="its `if` is false")
            return
        try:
            ready = await self._filled(planned, step)
            await self._attempts(ready).run(step.retry)
        except StepFailedError as error:
            if step.on_failure is OnFailure.CONTINUE:
                return
            raise _FollowedError(step.on_failure, error) from error
        for verify in step.verify:
            try:
                await self._judge(step.id, verify)
            except StepUnverifiedError as error:
                if verify.on_failure is not OnFailure.CONTINUE:
                    raise _FollowedError(verify.on_failure, error) from error

    async def _filled(self, planned: PlannedStep, step: Step) -> PlannedStep:
        """Fill in what an earlier step's outputs decide."""
        if planned.seen:
            return planned
        values = fill(step.with_, self._scope())
        world = replace(self._world, outputs=self._ledger.outputs)
        seen = await step_spec(step.uses, values).look(world)
        facts = {**seen.facts, "noted": seen.noted}
        self._ready[step.id] = msgspec.structs.replace(planned, values=values, seen=facts)
        return self._ready[step.id]

    async def _verify(self, step_id: str, verify: Verify) -> None:
        if self._ledger.step(step_id).outcome is StepOutcome.DONE:
            return
        try:
            await self._judge(step_id, verify)
        except StepUnverifiedError as error:
            await self._ledger.result(
                step_id, StepOutcome.FAILED, phase="verify", detail=error.message
            )
            if verify.on_failure is not OnFailure.CONTINUE:
                raise _FollowedError(verify.on_failure, error) from error

    async def _judge(self, step_id: str, verify: Verify) -> None:
        """Wait until a check is true, and stays so for as long as it has to."""
        within, hold = parse_duration(verify.within), parse_duration(verify.hold)
        deadline = self._clock.monotonic() + within
        true_since: float | None = None
        while True:
            self._stop_if_asked()
            report = await self._ask(verify)
            now = self._clock.monotonic()
            if report.ok:
                true_since = now if true_since is None else true_since
                if now - true_since >= hold:
                    break
            else:
                true_since = None
                if now >= deadline:
                    message = f"{report.message} after {verify.within}"
                    raise StepUnverifiedError(message, remedy=report.remedy or "look at it")
            if step_id.startswith("verify"):
                self._ledger.show(step_id, report.message)
            await self._wait(_LOOK_EVERY)
        if step_id.startswith("verify"):
            await self._ledger.result(
                step_id, StepOutcome.DONE, phase="verify", detail=report.message
            )

    async def _ask(self, verify: Verify) -> Report:
        world = replace(self._world, outputs=self._ledger.outputs)
        try:
            values = fill(verify.with_, self._scope())
            check = msgspec.convert(values, CHECKS[verify.check], strict=False)
            return await check.judge(world)
        except msgspec.ValidationError as error:
            return Report(ok=None, message=f"{verify.check} cannot be asked: {error}")
        except ConsoleError as error:
            return Report(ok=None, message=error.message, remedy=error.remedy)

    async def _follow(self, failed: "_FollowedError") -> None:
        unverified = isinstance(failed.error, StepUnverifiedError)
        if failed.policy is OnFailure.PAUSE or self._past_return():
            why = "unverified" if unverified else "failed"
            await self._ledger.state(RunState.PAUSED, why=why, error=str(failed.error))
        else:
            await self._go_back("failed", str(failed.error))

    async def _stop(self, policy: OnCancel, why: str, error: str) -> None:
        if policy is OnCancel.PAUSE or self._past_return():
            await self._ledger.state(RunState.PAUSED, why=why, error=error)
        else:
            await self._go_back(why, error)

    async def _go_back(self, why: str, error: str) -> None:
        """Undo what was done, the last first; a step without a way back stays and is named."""
        self._deaf = True
        await self._ledger.state(RunState.UNDOING, why=why, error=error)
        kept = []
        for planned, step in reversed(list(self._steps())):
            stands = self._ledger.step(step.id).outcome
            if stands not in (StepOutcome.DONE, StepOutcome.RUNNING, StepOutcome.UNKNOWN):
                continue
            if step.undo is None or not step.undo.uses:
                kept.append(step.id)
                continue
            way_back = self._attempts(_way_back(planned, step.undo), undo=True)
            try:
                if stands is not StepOutcome.DONE and await way_back.settle():
                    continue
                await way_back.run(step.retry)
            except OutcomeUnknownError as unknown:
                await self._ledger.state(RunState.PAUSED, why=why, error=str(unknown))
                return
            except StepFailedError as failed:
                message = f"{error}; not undone: {failed}"
                await self._end(RunState.FAILED, error=message)
                return
        note = f"{error}; kept, as there is no way back: {', '.join(kept)}" if kept else error
        if kept:
            await self._end(RunState.FAILED, error=note)
        else:
            over = RunState.CANCELLED if why == "cancelled" else RunState.UNDONE
            await self._end(over, error=note)

    async def _end(self, state: RunState, *, error: str = "") -> None:
        """Run what always runs, keep the outputs, and enter the last state."""
        self._deaf = True
        for step in self._manifest.document.always:
            await self._always(step)
        if state is RunState.SUCCEEDED:
            await self._ledger.outputs_are(self._outputs())
        await self._ledger.state(state, error=error)

    async def _always(self, step: Step) -> None:
        if self._ledger.step(step.id).outcome is StepOutcome.DONE:
            return
        try:
            if step.if_ and not condition_holds(step.if_, self._scope()):
                await self._ledger.result(step.id, StepOutcome.SKIPPED)
                return
            bare = PlannedStep(
                id=step.id,
                title=step.title,
                uses=step.uses,
                values={},
                timeout_seconds=parse_duration(step.timeout),
            )
            ready = await self._filled(bare, step)
            retry = step.retry if step.retry.limit else _ALWAYS_RETRY
            await self._attempts(ready).run(retry)
        except JournalError:
            raise
        except ConsoleError as error:
            await self._ledger.result(step.id, StepOutcome.FAILED, detail=str(error))

    def _outputs(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in self._manifest.document.outputs.items():
            try:
                found[name] = fill(value, self._scope())
            except ConsoleError as error:
                found[name] = f"not known: {error.message}"
        return found

    def _scope(self) -> dict[str, Any]:
        plan, run = self._ledger.plan, self._ledger.run
        steps = {
            step.id: {"outputs": step.outputs, "outcome": str(step.outcome)} for step in run.steps
        }
        return plan.names | {"steps": steps, "run": {"id": run.id, "actor": run.actor}}

    def _past_return(self) -> bool:
        return any(
            step.point_of_no_return and self._ledger.step(step.id).outcome is StepOutcome.DONE
            for _, step in self._steps()
        )

    def _attempts(self, planned: PlannedStep, *, undo: bool = False) -> Attempts:
        return Attempts(
            self._ledger,
            self._world,
            planned,
            may_act=self._may_act,
            pause=self._wait,
            undo=undo,
        )

    def _stop_if_asked(self) -> None:
        if self._deaf:
            return
        if self._cancelled.is_set():
            raise _CancelledRunError("cancelled by a person")
        if self._clock.monotonic() > self._deadline:
            limit = self._manifest.document.timeout
            raise _TimedOutError(f"the run took longer than {limit}")

    async def _wait(self, seconds: float) -> None:
        """Let time pass; a cancel cuts it short."""
        if self._deaf:
            await self._clock.sleep(seconds)
            return
        async with asyncio.TaskGroup() as group:
            cancelled = group.create_task(self._cancelled.wait())
            passed = group.create_task(self._clock.sleep(seconds))
            await asyncio.wait({cancelled, passed}, return_when=asyncio.FIRST_COMPLETED)
            cancelled.cancel()
            passed.cancel()

    async def _may_act(self) -> None:
        """Refuse to write when the lock or the record may be somebody else's by now."""
        self._stop_if_asked()
        if isinstance(self._broken, JournalError):
            raise self._broken
        if self._broken is not None or not all(lock.is_valid for lock in self._locks):
            why = str(self._broken) if self._broken else "the target's lock could not be renewed"
            raise _LockLostError(why, remedy="resume looks at what was done before it acts")

    async def _keep_alive(self) -> None:
        """Renew the locks and give the journal a sign of life until the run ends."""
        while True:
            await self._clock.sleep(RENEW_EVERY)
            try:
                await self._ledger.beat()
                for lock in self._locks:
                    lock.step = self._at()
                    await lock.renew()
            except (JournalError, LockedError) as gone:
                self._broken = gone
                return
            except (LinkError, OutcomeUnknownError):
                # Tried again in a moment; until then the lock's own deadline decides.
                continue

    def _at(self) -> str:
        going = (step.id for step in self._ledger.run.steps if step.outcome is StepOutcome.RUNNING)
        return next(going, "")

    async def _release(self) -> None:
        for lock in self._locks:
            await lock.release()


class _FollowedError(ConsoleError):
    """A step or check failed, and the manifest says what follows."""

    def __init__(self, policy: OnFailure, error: ConsoleError) -> None:
        super().__init__(error.message, remedy=error.remedy)
        self.policy = policy
        self.error = error


def _way_back(planned: PlannedStep, undo: Undo) -> PlannedStep:
    return msgspec.structs.replace(planned, uses=undo.uses, values=dict(undo.with_))
