"""Where screens and the command line ask for plans and runs."""

import asyncio
import uuid
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from actions import manifest as manifests
from actions.journal import Journal, already_carried_out
from actions.ledger import Ledger
from actions.lock import Lock
from actions.manifest import Catalogue, Manifest
from actions.model import Finding, Plan, PlannedStep, Run, RunState, RunStep, StepOutcome
from actions.owner import this_process
from actions.plan import Planner, make_world, moved
from actions.runner import Runner, verify_ids
from actions.targets import find_target
from actions.world import World
from console.clock import Clock
from console.errors import (
    ConfigError,
    ConsoleError,
    JournalError,
    LockedError,
    ReadOnlyError,
    RefusedError,
    StalePlanError,
)
from console.fleet import Fleet
from console.record import Key

_GOING = (RunState.CONFIRMED, RunState.RUNNING, RunState.UNDOING)


class Desk:
    """Plans, runs and their history; the runs it started end with it."""

    def __init__(
        self,
        fleet: Fleet,
        journal: Journal,
        clock: Clock,
        *,
        catalogue: Catalogue | None = None,
    ) -> None:
        self._fleet = fleet
        self._journal = journal
        self._clock = clock
        self._catalogue = catalogue
        self._planner = Planner(fleet, clock)
        self._owner = this_process()
        self._runners: dict[str, Runner] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ledgers: dict[str, Ledger] = {}

    @property
    def actions(self) -> Catalogue:
        """Return every action, the broken ones too."""
        if self._catalogue is None:
            self._catalogue = Catalogue()
        return self._catalogue

    def catalogue(self) -> list[Manifest]:
        """Return every action that can be asked for."""
        return list(self.actions.manifests.values())

    def actions_for(self, kind: str) -> list[Manifest]:
        """Return the actions on one kind of record."""
        return [manifest for manifest in self.catalogue() if manifest.target == kind]

    async def plan(
        self,
        action: str,
        target: str | Key,
        inputs: Mapping[str, Any],
        *,
        clusters: Collection[str] = (),
    ) -> Plan:
        """Make a plan and keep it; refusals are in the plan.

        Raises:
            ConfigError: action, target or inputs are wrong.
            ManifestError: the action's manifest is wrong.

        """
        manifest = self.actions.named(action)
        plan = await self._planner.plan(manifest, target, inputs, clusters=clusters)
        try:
            await asyncio.to_thread(self._journal.save_plan, plan)
        except JournalError as error:
            finding = Finding(check="journal", ok=False, message=error.message, remedy=error.remedy)
            return msgspec.structs.replace(plan, findings=(*plan.findings, finding))
        return plan

    def plan_by_id(self, plan_id: str) -> Plan:
        """Return a kept plan.

        Raises:
            ConfigError: there is none of that id.

        """
        return self._journal.plan(plan_id)

    async def run(self, plan: Plan, *, typed: str) -> str:
        """Start a run; it is journalled as confirmed when this returns.

        Raises:
            RefusedError: something stands against it, or the wrong word was typed.
            StalePlanError: the world moved, or the plan was already carried out.
            LockedError: somebody else works on the target.
            JournalError: it cannot be recorded, so nothing was done.

        """
        if typed != plan.confirm:
            raise RefusedError(f"not confirmed: type {plan.confirm} to run this plan")
        _refuse(plan)
        carried = await asyncio.to_thread(self._journal.carried_out_by, plan.id)
        if carried:
            raise already_carried_out(plan.id, carried)
        if reason := self._fleet.read_only_reason(plan.target.cluster):
            message = f"{plan.target.cluster}: nothing is written: {reason}"
            raise ReadOnlyError(message, remedy="switch to WRITE mode")
        manifest = manifests.parse(plan.manifest, path=f"plan {plan.id}")
        run = self._new_run(plan, manifest)
        ledger = self._ledger(plan, run)
        await asyncio.to_thread(self._journal.save_plan, plan)
        event = ledger.event("state", run)
        await asyncio.to_thread(self._journal.claim, run, self._owner, event)
        self._show(run)
        locks: list[Lock] = []
        try:
            world = await self._world(plan, run.id)
            locks = await self._locked(plan, run, world)
            await self._check_unmoved(plan)
        except ConsoleError as error:
            await self._unlock(locks)
            await self._never_started(ledger, error)
            raise
        self._start(ledger, Runner(ledger, manifest, world, locks))
        return run.id

    async def wait(self, run_id: str) -> Run:
        """Wait until a run of this desk is over, paused or interrupted.

        Raises:
            JournalError: its record could not be kept.

        """
        task = self._tasks.get(run_id)
        if task is None:
            return self.show(run_id)
        await asyncio.wait({task})
        task.result()
        return self.show(run_id)

    def cancel(self, run_id: str) -> None:
        """Ask a run of this desk for a clean end.

        Raises:
            ConfigError: another process carries it out, or nobody does.

        """
        runner = self._runners.get(run_id)
        if runner is None:
            raise ConfigError(
                f"run {run_id} is not carried out here",
                remedy="cancel it where it was started",
            )
        runner.cancel()

    async def resume(self, run_id: str) -> str:
        """Go on with a paused or interrupted run, looking before acting.

        Raises:
            JournalError: it is over, or somebody still works on it.
            LockedError: somebody else works on the target.
            StalePlanError: nothing was done yet, and the world moved.

        """
        before = self.show(run_id)
        if not before.state.is_resumable:
            remedy = "only a paused or interrupted run is resumed"
            raise RefusedError(f"run {run_id} is {before.state}", remedy=remedy)
        plan = self._journal.plan(before.plan_id)
        if reason := self._fleet.read_only_reason(plan.target.cluster):
            message = f"{plan.target.cluster}: nothing is written: {reason}"
            raise ReadOnlyError(message, remedy="switch to WRITE mode")
        manifest = manifests.parse(plan.manifest, path=f"plan {plan.id}")
        world = await self._world(plan, run_id)
        locks = await self._locked(plan, before, world)
        try:
            run = await asyncio.to_thread(self._journal.take_over, run_id, self._owner)
            ledger = self._ledger(plan, run)
            if _untouched(run):
                await self._still_valid(ledger)
        except ConsoleError:
            await self._unlock(locks)
            raise
        events = await asyncio.to_thread(self._journal.events, run_id)
        ready = _filled_in(plan, events)
        last = next((event for event in reversed(events) if event.state in _GOING), None)
        undoing = ""
        if last is not None and last.state is RunState.UNDOING:
            entered = (event for event in events if event.state is RunState.UNDOING)
            undoing = next((event.outcome for event in entered if event.phase == "state"), "failed")
        runner = Runner(ledger, manifest, world, locks, ready=ready)
        self._start(ledger, runner, undoing=undoing)
        return run_id

    async def close_run(self, run_id: str, *, reason: str) -> Run:
        """Give a paused or interrupted run up as it is; nothing is undone.

        Raises:
            JournalError: it is over, or somebody still works on it.

        """
        run = await asyncio.to_thread(self._journal.take_over, run_id, self._owner)
        ledger = self._ledger(self._journal.plan(run.plan_id), run)
        error = f"closed by {self._owner.user}: {reason}"
        over = RunState.CANCELLED if _untouched(run) else RunState.FAILED
        await ledger.state(over, why="closed", error=error)
        return ledger.run

    def runs(self) -> list[Run]:
        """Return every run, the newest first, and put them where screens see them."""
        found = [self._shown(run) for run in self._journal.runs()]
        for run in found:
            self._show(run)
        return found

    def show(self, run_id: str) -> Run:
        """Return a run as it stands.

        Raises:
            ConfigError: there is none of that id.

        """
        return self._shown(self._journal.run(run_id))

    async def current_inputs(self, action: str, target: Key) -> dict[str, Any]:
        """Return the live values of the inputs that may be left out, for a form to show."""
        return await self._planner.current(self.actions.named(action), target)

    async def close(self) -> None:
        """Stop what runs here; it is `interrupted` from then on, and can be resumed."""
        tasks = [task for task in self._tasks.values() if not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._journal.close()

    def _start(self, ledger: Ledger, runner: Runner, *, undoing: str = "") -> None:
        run_id = ledger.run.id
        self._runners[run_id] = runner
        self._ledgers[run_id] = ledger
        task = asyncio.create_task(runner.carry_out(undoing=undoing), name=f"run {run_id}")
        self._tasks[run_id] = task
        task.add_done_callback(lambda done: self._ended(run_id, done))

    def _ended(self, run_id: str, task: asyncio.Task[None]) -> None:
        """Show what the journal could not be told any more."""
        self._runners.pop(run_id, None)
        ledger = self._ledgers.pop(run_id)
        failure = None if task.cancelled() else task.exception()
        if task.cancelled() or failure is not None:
            error = str(failure) if failure else "the console was closed"
            run = msgspec.structs.replace(ledger.run, state=RunState.INTERRUPTED, error=error)
            self._show(run)

    def _shown(self, run: Run) -> Run:
        """Return the livelier of what the journal has and what this process knows."""
        ledger = self._ledgers.get(run.id)
        return ledger.run if ledger else run

    def _show(self, run: Run) -> None:
        self._fleet.store.upsert(run)

    def _ledger(self, plan: Plan, run: Run) -> Ledger:
        return Ledger(
            plan,
            run,
            journal=self._journal,
            owner=self._owner,
            clock=self._clock,
            on_change=self._show,
        )

    def _new_run(self, plan: Plan, manifest: Manifest) -> Run:
        now = self._clock.now()
        run_id = f"r-{uuid.uuid4().hex[:12]}"
        steps = [RunStep(id=step.id, title=step.title) for step in plan.steps]
        steps += [RunStep(id=step_id, title=title) for step_id, title, _ in verify_ids(manifest)]
        steps += [
            RunStep(id=step.id, title=step.title or step.uses) for step in manifest.document.always
        ]
        target = plan.target
        return Run(
            key=Key(target.cluster, "run", target.namespace, run_id),
            created=now,
            plan_id=plan.id,
            action=plan.action,
            title=plan.title,
            target_name=target.name,
            state=RunState.CONFIRMED,
            steps=tuple(steps),
            actor=plan.actor,
            host=self._owner.host,
            started_at=now,
            heartbeat_at=now,
            reason=str(plan.inputs.get("reason") or ""),
        )

    async def _world(self, plan: Plan, run_id: str) -> World:
        kind = plan.target.kind
        target = await find_target(self._fleet, kind, plan.target, (plan.target.cluster,))
        return make_world(self._fleet, target, self._clock, run_id=run_id)

    async def _locked(self, plan: Plan, run: Run, world: World) -> list[Lock]:
        """Take every lock of a plan, or none."""
        place = world.management or world.cluster
        notes = {"action": plan.action, "run": run.id, "reason": run.reason}
        taken: list[Lock] = []
        for key in sorted(plan.locks):
            lock = Lock(world.open(place), key, self._owner, self._clock, notes=notes, place=place)
            try:
                await lock.acquire()
            except ConsoleError:
                await self._unlock(taken)
                raise
            taken.append(lock)
        return taken

    async def _unlock(self, locks: list[Lock]) -> None:
        for lock in locks:
            await lock.release()

    async def _check_unmoved(self, plan: Plan) -> None:
        """Plan again, with the lock held: the world has to be as it was."""
        manifest = manifests.parse(plan.manifest, path=f"plan {plan.id}")
        again = await self._planner.plan(
            manifest, plan.target, plan.inputs, clusters=(plan.target.cluster,), locked=True
        )
        if again.fingerprint != plan.fingerprint:
            changed = "; ".join(moved(plan.observed, again.observed))
            raise StalePlanError(f"the world moved since the plan: {changed}", remedy="plan again")
        _refuse(again)

    async def _still_valid(self, ledger: Ledger) -> None:
        """End a resumed run that had done nothing, if its plan no longer holds."""
        try:
            await self._check_unmoved(ledger.plan)
        except (StalePlanError, RefusedError) as error:
            await self._never_started(ledger, error)
            raise

    async def _never_started(self, ledger: Ledger, error: ConsoleError) -> None:
        ended = self._clock.now()
        run = msgspec.structs.replace(
            ledger.run,
            state=RunState.CANCELLED,
            ended_at=ended,
            error=f"nothing was done: {error}",
        )
        event = ledger.event("state", run, outcome="refused", detail=str(error))
        retryable = isinstance(error, LockedError) or not isinstance(
            error, StalePlanError | RefusedError
        )
        write = self._journal.give_back if retryable else self._journal.record
        await asyncio.to_thread(write, run, self._owner, event)
        self._show(run)


def _refuse(plan: Plan) -> None:
    if plan.refusals:
        reasons = [
            f"{finding.message} ({finding.remedy})" if finding.remedy else finding.message
            for finding in plan.refusals
        ]
        raise RefusedError(f"{plan.action} is refused: {'; '.join(reasons)}", reasons=reasons)


def _untouched(run: Run) -> bool:
    """Tell whether no step of a run was ever asked for."""
    quiet = (StepOutcome.PENDING, StepOutcome.SKIPPED)
    return all(step.outcome in quiet and step.attempts == 0 for step in run.steps)


def _filled_in(plan: Plan, events: list[Any]) -> dict[str, PlannedStep]:
    """Return the steps that could only be filled in while running, from their intents."""
    late = {step.id: step for step in plan.steps if not step.seen}
    return {
        event.step: msgspec.structs.replace(late[event.step], seen=event.before, values=event.after)
        for event in events
        if event.phase == "intent" and not event.undo and event.step in late
    }
