"""Carries out one step: intent, call, result; and when the answer is lost, looks before it acts."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from actions.inputs import parse_duration
from actions.ledger import Ledger
from actions.model import PlannedStep, StepOutcome
from actions.plan import step_spec
from actions.schema import Retry
from actions.steps.base import Effect, Observed, Sight, StepSpec
from actions.world import Report, World
from console.errors import (
    BadReplyError,
    ConsoleError,
    LinkError,
    LinkTimeoutError,
    OutcomeUnknownError,
    ServerFaultError,
    StepFailedError,
    ThrottledError,
    UnreachableError,
)

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds for which looking again is tried while the cluster does not answer."""
_IN_DOUBT = (
    OutcomeUnknownError,
    LinkTimeoutError,
    UnreachableError,
    ServerFaultError,
    BadReplyError,
)
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 8.0


class Attempts:
    """Does a step, as often as its retry allows."""

    def __init__(
        self,
        ledger: Ledger,
        world: World,
        step: PlannedStep,
        *,
        may_act: Callable[[], Awaitable[None]],
        pause: Callable[[float], Awaitable[None]],
        undo: bool = False,
    ) -> None:
        self._ledger = ledger
        self._step = step
        self._world = replace(world, seen=step.seen, outputs=ledger.outputs)
        self._may_act = may_act
        self._pause = pause
        self._undo = undo
        self._spec: StepSpec = step_spec(step.uses, step.values)
        self._done = StepOutcome.UNDONE if undo else StepOutcome.DONE

    async def run(self, retry: Retry) -> None:
        """Do it.

        Raises:
            StepFailedError: it did not happen, or does not show.
            OutcomeUnknownError: whether it happened cannot be told.

        """
        attempt = self._ledger.step(self._step.id).attempts
        last = attempt + retry.limit + 1
        backoff = parse_duration(retry.backoff)
        while True:
            attempt += 1
            await self._may_act()
            await self._ledger.intent(self._step, attempt, undo=self._undo)
            failure = await self._once()
            if failure is None:
                await self._read_back()
                return
            if attempt >= last or not _is_retried(failure, retry):
                await self._result(StepOutcome.FAILED, failure.message)
                raise StepFailedError(failure.message, remedy=failure.remedy) from failure
            await self._result(StepOutcome.PENDING, f"tried again: {failure.message}")
            await self._pause(backoff)
            backoff *= 2

    async def settle(self) -> bool:
        """Find out what became of a step in doubt; True when it took effect.

        Raises:
            OutcomeUnknownError: it cannot be told.

        """
        return await self._look_again("it was interrupted") is None

    async def _once(self) -> ConsoleError | None:
        """Make the call; returns why it did not happen."""
        try:
            async with asyncio.timeout(self._step.timeout_seconds):
                effect = await self._spec.execute(self._world)
        except TimeoutError:
            limit = f"{self._step.timeout_seconds:g} s"
            return await self._look_again(f"no answer within {limit}")
        except _IN_DOUBT as lost:
            return await self._look_again(lost.message)
        except ConsoleError as error:
            return error
        await self._result(self._done, f"{effect.object} changed", effect=effect)
        return None

    async def _look_again(self, why: str) -> ConsoleError | None:
        try:
            seen: Observed = await self._persistently(lambda: self._spec.observe(self._world))
        except LinkError as error:
            message = f"{why}; looking again failed: {error.message}"
            await self._result(StepOutcome.UNKNOWN, message, phase="observe")
            raise OutcomeUnknownError(message, remedy="resume when it answers again") from error
        message = f"{why}; looked again: {seen.message}"
        if seen.sight is Sight.DONE:
            await self._result(self._done, message, phase="observe", effect=seen.effect)
            return None
        if seen.sight is Sight.NOT_DONE:
            # Still to be done: neither the journal nor a resume may take it for finished.
            still = StepOutcome.DONE if self._undo else StepOutcome.PENDING
            await self._result(still, message, phase="observe")
            return LinkTimeoutError(message)
        await self._result(StepOutcome.UNKNOWN, message, phase="observe")
        raise OutcomeUnknownError(message, remedy="look at the object; then resume or close")

    async def _read_back(self) -> None:
        try:
            report: Report = await self._persistently(lambda: self._spec.verify(self._world))
        except LinkError as error:
            message = f"done, but reading it back failed: {error.message}"
            await self._result(StepOutcome.UNKNOWN, message, phase="verify")
            raise OutcomeUnknownError(message, remedy="resume when it answers again") from error
        if report.ok is not True:
            await self._result(StepOutcome.UNKNOWN, report.message, phase="verify")
            message = f"done, but it does not show: {report.message}"
            raise OutcomeUnknownError(message, remedy="look who changed it; then resume or close")
        await self._result(self._done, report.message, phase="verify")

    async def _persistently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer, or patience ends: an API server may be restarting."""
        clock, wait = self._world.clock, _FIRST_WAIT
        deadline = clock.monotonic() + PATIENCE
        while True:
            try:
                return await ask()
            except (*_IN_DOUBT, ThrottledError):
                if clock.monotonic() + wait > deadline:
                    raise
            await clock.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _result(
        self,
        outcome: StepOutcome,
        detail: str,
        *,
        phase: str = "result",
        effect: Effect | None = None,
    ) -> None:
        if self._undo and outcome in (StepOutcome.FAILED, StepOutcome.PENDING):
            # An undo that failed leaves the step done.
            outcome = StepOutcome.DONE
        await self._ledger.result(
            self._step.id, outcome, detail=detail, phase=phase, effect=effect, undo=self._undo
        )


def _is_retried(failure: ConsoleError, retry: Retry) -> bool:
    if isinstance(failure, ThrottledError):
        kind = "throttled"
    elif isinstance(failure, LinkTimeoutError):
        kind = "timeout"
    elif isinstance(failure, _IN_DOUBT):
        kind = "unavailable"
    else:
        kind = "failed"
    return kind in (retry.on or ("throttled", "timeout", "unavailable"))
