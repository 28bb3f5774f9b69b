"""Makes plans: resolves target and inputs, checks, dry-runs, and takes the fingerprint."""

import asyncio
import hashlib
import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from actions import preflight
from actions.expressions import evaluate, expressions, fill, names, sole_name
from actions.guard import standing_refusals
from actions.inputs import MASK, parse_duration, read_inputs
from actions.manifest import Manifest
from actions.model import Finding, Hunk, Level, Plan, PlannedStep
from actions.schema import InputType, Step
from actions.steps import STEP_TYPES
from actions.steps.base import StepSpec
from actions.targets import Target, find_target
from actions.world import World
from console.clock import Clock
from console.errors import (
    ConsoleError,
    LinkError,
    ManifestError,
    NotFoundError,
    ReadOnlyError,
    RefusedError,
)
from console.fleet import Fleet
from console.record import Key

_LATE = frozenset({"steps", "run"})
"""Names that only a run knows."""


def make_world(fleet: Fleet, target: Target, clock: Clock, *, run_id: str = "") -> World:
    """Open the doors that a plan or run about a target may use."""
    cluster = target.cluster
    return World(
        cluster=cluster.alias,
        namespace=target.names["namespace"],
        target=target.names,
        open=lambda alias: fleet.objects(alias, run_id=run_id),
        collect=lambda kinds, clusters: fleet.collect(tuple(kinds), tuple(clusters)),
        look=fleet.look,
        clock=clock,
        management=fleet.management(),
        places=frozenset({cluster.alias, cluster.context, cluster.server.rstrip("/")}),
    )


class Planner:
    """Makes plans; it reads, asks for dry runs, and writes nothing."""

    def __init__(self, fleet: Fleet, clock: Clock) -> None:
        self._fleet = fleet
        self._clock = clock

    async def plan(
        self,
        manifest: Manifest,
        wanted: str | Key,
        given: Mapping[str, Any],
        *,
        clusters: Collection[str] = (),
        locked: bool = False,
    ) -> Plan:
        """Make a plan; what stands against it is in its findings. `locked`: the locks are ours.

        Raises:
            ConfigError: the target or inputs are wrong.
            ManifestError: an expression is wrong.
            RefusedError: this version cannot act on the kind of target at all.

        """
        missing = manifest.not_carried_out()
        if f"target: {manifest.target}" in missing:
            message = f"{manifest.name}: a target of kind {manifest.target} is not carried out yet"
            raise RefusedError(message)
        await asyncio.to_thread(manifest.check_syntax)
        inputs = _masked(manifest, read_inputs(manifest.inputs, given))
        scope = tuple(clusters) or tuple(cluster.alias for cluster in self._fleet.clusters)
        target = await find_target(self._fleet, manifest.target, wanted, scope)
        if self._fleet.management() is None:
            await self._fleet.collect(())
        making = _Making(self._fleet, self._clock, manifest, target, inputs)
        return await making.plan(missing, locked=locked)

    async def current(self, manifest: Manifest, wanted: Key) -> dict[str, Any]:
        """Return the live values of the inputs that may be left out."""
        target = await find_target(self._fleet, manifest.target, wanted, (wanted.cluster,))
        defaults = {name: spec.default for name, spec in manifest.inputs.items()}
        making = _Making(self._fleet, self._clock, manifest, target, defaults)
        await asyncio.to_thread(manifest.check_syntax)
        await making.leave_unchanged()
        return {name: value for name, value in making.inputs.items() if value is not None}


class _Making:
    """One plan in the making."""

    def __init__(
        self,
        fleet: Fleet,
        clock: Clock,
        manifest: Manifest,
        target: Target,
        inputs: dict[str, Any],
    ) -> None:
        self.fleet = fleet
        self.clock = clock
        self.manifest = manifest
        self.target = target
        self.inputs = inputs
        self.world = make_world(fleet, target, clock)
        self.found: list[preflight.Found] = []
        self.observed: dict[str, Any] = {}
        self.blocked = False

    async def plan(self, not_carried_out: list[str], *, locked: bool) -> Plan:
        document = self.manifest.document
        for name in not_carried_out:
            self._note("manifest", f"{name} is not carried out yet", "wait for a later version")
        self._targets_own_findings()
        actor = await self._actor()
        await self.leave_unchanged()
        scope = self._scope(actor)
        steps = [
            await self._step(step, scope) for step in document.steps if self._wanted(step, scope)
        ]
        planned = [step for step in steps if step is not None]
        locks = tuple(str(fill(key, scope)) for key in document.locks)
        checked = await preflight.gather(
            [
                *(preflight.precondition(entry, scope, self.world) for entry in document.require),
                *(preflight.lock_is_free(self.world, key) for key in locks if not locked),
            ]
        )
        self.found += checked
        self._gitops_answered()
        for place, (entry, (_, seen)) in enumerate(zip(document.require, checked, strict=False)):
            if seen:
                self.observed[f"require.{place}.{entry.check}"] = seen
        return self._finished(scope, planned, locks, actor)

    def _finished(
        self,
        scope: dict[str, Any],
        steps: list[PlannedStep],
        locks: tuple[str, ...],
        actor: str,
    ) -> Plan:
        manifest, record = self.manifest, self.target.record
        self.observed |= {
            "manifest": manifest.hash,
            "target": {"key": str(record.key), "uid": record.uid},
            "inputs": self.inputs,
        }
        return Plan(
            id=f"p-{uuid.uuid4().hex[:12]}",
            action=manifest.name,
            version=manifest.version,
            title=manifest.title,
            risk=manifest.risk,
            target=record.key,
            inputs=self.inputs,
            actor=actor,
            made_at=self.clock.now(),
            manifest_hash=manifest.hash,
            findings=tuple(finding for finding, _ in self.found),
            steps=tuple(steps),
            observed=self.observed,
            fingerprint=fingerprint(self.observed),
            names=scope,
            confirm=str(fill(manifest.document.confirm.type, scope)) or record.key.name,
            locks=locks,
            manifest=manifest.text,
            production=self.target.cluster.production,
            place=self.target.place,
        )

    def _targets_own_findings(self) -> None:
        standing = list(standing_refusals(self.fleet, self.target, self.clock.now()))
        self.blocked = any(finding.check == "read-only" for finding in standing)
        self.found += [(finding, {}) for finding in standing]
        if self.target.unsearched:
            where = ", ".join(self.target.unsearched)
            message = f"not searched for another {self.target.record.key.name}: {where}"
            self._note("target", message, "name the cluster with --context", level=Level.WARN)

    async def _actor(self) -> str:
        try:
            return await self.world.objects.whoami()
        except LinkError as error:
            self._note("cluster", error.message, error.remedy, ok=None)
            return ""

    def _scope(self, actor: str) -> dict[str, Any]:
        scope: dict[str, Any] = {
            "inputs": dict(self.inputs),
            "target": self.target.names,
            "let": {},
            "fleet": {
                "management": self.world.management or "",
                "clusters": [cluster.alias for cluster in self.fleet.clusters],
            },
            "run": {"id": "", "actor": actor},
        }
        for name, value in self.manifest.document.let.items():
            scope["let"][name] = fill(value, scope)
        return scope

    async def leave_unchanged(self) -> None:
        """Give inputs that were left out the live value of the field they are for."""
        scope = self._scope("")
        for step in self.manifest.document.steps:
            open_keys = {
                key: name[1]
                for key, value in step.with_.items()
                if (name := sole_name(value)) and name[0] == "inputs" and len(name) == 2
                if self.inputs.get(name[1]) is None
            }
            if not open_keys or _is_late(step.with_):
                continue
            try:
                current = await _spec(step, scope).current(self.world)
            except ConsoleError as error:
                self._note_error(step.id, error)
                continue
            for key, left_out in open_keys.items():
                self.inputs[left_out] = current.get(key)

    def _wanted(self, step: Step, scope: Mapping[str, Any]) -> bool:
        if not step.if_ or _is_late(step.if_):
            return True
        return condition_holds(step.if_, scope)

    async def _step(self, step: Step, scope: dict[str, Any]) -> PlannedStep | None:
        planned = PlannedStep(
            id=step.id,
            title=step.title or STEP_TYPES[step.uses].title or step.uses,
            uses=step.uses,
            values=dict(step.with_),
            undo=None if step.undo is None else msgspec.to_builtins(step.undo),
            timeout_seconds=parse_duration(step.timeout),
        )
        if _is_late(step.with_):
            message = f"step {step.id} depends on an earlier one: what it changes shows in the run"
            self._note("step", message, "", level=Level.WARN)
            return planned
        values = fill(step.with_, scope)
        try:
            spec = _spec(step, scope)
            seen = await spec.look(self.world)
        except ConsoleError as error:
            self._note_error(step.id, error)
            return msgspec.structs.replace(planned, values=values)
        self.observed[f"step.{step.id}"] = seen.facts
        facts = {**seen.facts, "noted": seen.noted}
        world = replace(self.world, seen=facts)
        hunks = await self._judge(step, spec, world)
        return msgspec.structs.replace(planned, values=values, seen=facts, hunks=tuple(hunks))

    async def _judge(self, step: Step, spec: StepSpec, world: World) -> list[Hunk]:
        """Ask for rights, refusals and the dry run of one step."""
        if not self.blocked:
            self.found += await preflight.gather(
                preflight.permission(world, needed) for needed in spec.permissions(world)
            )
        for report in await spec.refusals(world):
            self.found.append((preflight.finding_of(step.uses, report), {}))
        refused = any(finding.refuses for finding, _ in self.found)
        try:
            if not refused:
                hunks = await spec.preview(world, dry_run=True)
                message = f"the API server accepts step {step.id}"
                self.found.append((Finding(check="dry-run", ok=True, message=message), {}))
                return hunks
        except ReadOnlyError as error:
            self._note("read-only", error.message, error.remedy)
        except LinkError as error:
            told = error.status is not None and error.status < 500 and error.status != 429
            message = f"the API server refuses step {step.id}: {error.message}"
            self._note("dry-run", message, error.remedy, ok=False if told else None)
        try:
            return await spec.preview(world, dry_run=False)
        except LinkError:
            return []

    def _gitops_answered(self) -> None:
        document = self.manifest.document
        writes = any(STEP_TYPES[step.uses].writes for step in document.steps)
        if writes and not any(entry.check == "gitops.keeps" for entry in document.require):
            message = "the action writes to Kubernetes and does not ask whether GitOps keeps it"
            self._note("manifest", message, "add the check gitops.keeps to its require")

    def _note_error(self, step: str, error: ConsoleError) -> None:
        if any(finding.message == error.message for finding, _ in self.found):
            return
        ok = False if isinstance(error, NotFoundError | ManifestError) else None
        self._note(f"step {step}", error.message, error.remedy, ok=ok)

    def _note(
        self,
        check: str,
        message: str,
        remedy: str,
        *,
        ok: bool | None = False,
        level: Level = Level.BLOCK,
    ) -> None:
        finding = Finding(check=check, ok=ok, message=message, remedy=remedy, level=level)
        self.found.append((finding, {}))


def _masked(manifest: Manifest, inputs: dict[str, Any]) -> dict[str, Any]:
    """Take secrets out at once: plans are written down and shown."""
    return {
        name: MASK if value and manifest.inputs[name].type is InputType.SECRET else value
        for name, value in inputs.items()
    }


def fingerprint(observed: Mapping[str, Any]) -> str:
    """Return the hash of what a plan was made on."""
    return hashlib.sha256(msgspec.json.encode(observed, order="sorted")).hexdigest()


def moved(before: Mapping[str, Any], after: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Say in words what differs between two observations."""
    for name in dict.fromkeys((*before, *after)):
        where = f"{path}.{name}" if path else str(name)
        old, new = before.get(name), after.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from moved(old, new, where)
        elif old != new:
            yield f"{where} was {old}, is {new}"


def condition_holds(text: str, scope: Mapping[str, Any]) -> bool:
    """Evaluate an `if`."""
    bare = text.strip()
    if bare.startswith("${{") and bare.endswith("}}"):
        bare = bare[3:-2].strip()
    return evaluate(bare, scope) is True


def _spec(step: Step, scope: Mapping[str, Any]) -> StepSpec:
    return step_spec(step.uses, fill(step.with_, scope))


def step_spec(uses: str, values: Mapping[str, Any]) -> StepSpec:
    """Make a step of its type and values.

    Raises:
        ManifestError: the values do not fit the type, or the type is not known here.

    """
    if uses not in STEP_TYPES:
        raise ManifestError(f"this version does not know the step type {uses}")
    try:
        return msgspec.convert(dict(values), STEP_TYPES[uses], strict=True)
    except msgspec.ValidationError as failure:
        raise ManifestError(f"{uses}: {failure}") from failure


def _is_late(value: Any) -> bool:
    found = expressions(value) if not isinstance(value, str) or "${{" in value else iter([value])
    return any(name[0] in _LATE for text in found for name in names(text))
