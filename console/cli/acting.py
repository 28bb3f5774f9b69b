"""What plan, run and runs share: the desk, commands made of manifests, and their output."""

import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import click
import msgspec
import yaml

from actions.desk import Desk
from actions.journal import Journal
from actions.manifest import Catalogue, Manifest
from actions.model import Finding, Hunk, Plan, PlannedStep, Run, RunState, StepOutcome
from actions.schema import InputSpec, InputType
from console import paths
from console.cli.exits import Exit
from console.cli.session import Session
from console.clock import format_time
from console.redact import printable

_MARKS = {True: "ok  ", False: "NO  ", None: "?   "}


class PlanOutput(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What `plan -o json` prints."""

    plan_id: str
    action: str
    version: int
    title: str
    risk: str
    cluster: str
    namespace: str
    target: str
    place: str
    production: bool
    actor: str
    made_at: str
    inputs: dict[str, Any]
    confirm: str
    locks: tuple[str, ...]
    fingerprint: str
    steps: tuple[PlannedStep, ...]
    refusals: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    findings: tuple[Finding, ...]


class StepOutput(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A step in `run -o json`."""

    id: str
    title: str
    outcome: StepOutcome
    detail: str
    attempts: int
    started_at: str | None
    ended_at: str | None
    outputs: dict[str, Any]


class RunOutput(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What `run -o json` and `runs show -o json` print."""

    run_id: str
    plan_id: str
    action: str
    title: str
    cluster: str
    namespace: str
    target: str
    state: RunState
    unverified: bool
    actor: str
    host: str
    started_at: str
    ended_at: str | None
    reason: str
    error: str
    steps: tuple[StepOutput, ...]
    outputs: dict[str, Any]


class RunsOutput(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What `runs list -o json` prints."""

    kind: str
    items: tuple[RunOutput, ...]


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schemas of what plan, run and runs print."""
    shapes = {"plan": PlanOutput, "run": RunOutput, "runs": RunsOutput}
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {name: {**draft, **msgspec.json.schema(shape)} for name, shape in shapes.items()}


def journal(session: Session) -> Journal:
    """Return this machine's journal."""
    return Journal(paths.journal_file(), session.clock)


@asynccontextmanager
async def open_desk(session: Session, catalogue: Catalogue | None = None) -> AsyncIterator[Desk]:
    """Give a desk on the fleet; both are closed at the end."""
    async with session.open_fleet() as fleet:
        desk = Desk(fleet, journal(session), session.clock, catalogue=catalogue)
        stop = fleet.store.on_change(_Progress(fleet.store).show)
        try:
            yield desk
        finally:
            stop()
            await desk.close()


class ActionGroup(click.Group):
    """A group whose commands are the actions; their options are the actions' inputs."""

    make: Callable[[Catalogue, Manifest], click.Command]

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return sorted(Catalogue().manifests)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        catalogue = Catalogue()
        return type(self).make(catalogue, catalogue.named(cmd_name))


def action_params(manifest: Manifest) -> list[click.Parameter]:
    """Return a command's target, and an option for each input."""
    params: list[click.Parameter] = [click.Argument(["target"], metavar=manifest.target.upper())]
    params += [_option(name, spec) for name, spec in manifest.inputs.items()]
    params += [
        click.Option(
            ["contexts", "--context"],
            multiple=True,
            metavar="NAME|GLOB",
            help="Where to look for the target; repeatable.",
        ),
        click.Option(
            ["output", "-o", "--output"],
            type=click.Choice(["table", "json", "yaml"]),
            default="table",
            help="How to print it.",
        ),
    ]
    return params


def given_inputs(manifest: Manifest, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs that were given."""
    return {name: options[name] for name in manifest.inputs if options.get(name) is not None}


def _option(name: str, spec: InputSpec) -> click.Option:
    flag = name.replace("_", "-")
    notes = [spec.help]
    if spec.required:
        notes.append("required")
    if spec.default is not None:
        notes.append(f"default {spec.default}")
    if spec.min is not None or spec.max is not None:
        low, high = ("" if end is None else str(end) for end in (spec.min, spec.max))
        unit = "characters" if spec.type is InputType.STRING else ""
        notes.append(f"{low}..{high} {unit}".strip())
    text = "; ".join(note for note in notes if note)
    if spec.type is InputType.BOOL:
        return click.Option([name, f"--{flag}/--no-{flag}"], default=None, help=text)
    kind = click.Choice(spec.choices) if spec.type is InputType.ENUM else click.STRING
    metavar = None if spec.type is InputType.ENUM else spec.type.upper()
    return click.Option([name, f"--{flag}"], type=kind, metavar=metavar, help=text)


def plan_output(plan: Plan) -> PlanOutput:
    """Return a plan as programs read it."""
    return PlanOutput(
        plan_id=plan.id,
        action=plan.action,
        version=plan.version,
        title=plan.title,
        risk=plan.risk,
        cluster=plan.target.cluster,
        namespace=plan.target.namespace,
        target=plan.target.name,
        place=plan.place,
        production=plan.production,
        actor=plan.actor,
        made_at=format_time(plan.made_at),
        inputs=plan.inputs,
        confirm=plan.confirm,
        locks=plan.locks,
        fingerprint=plan.fingerprint,
        steps=plan.steps,
        refusals=plan.refusals,
        warnings=plan.warnings,
        findings=plan.findings,
    )


def run_output(run: Run) -> RunOutput:
    """Return a run as programs read it."""
    return RunOutput(
        run_id=run.id,
        plan_id=run.plan_id,
        action=run.action,
        title=run.title,
        cluster=run.key.cluster,
        namespace=run.key.namespace,
        target=run.target_name,
        state=run.state,
        unverified=run.unverified,
        actor=run.actor,
        host=run.host,
        started_at=format_time(run.started_at),
        ended_at=_moment(run.ended_at),
        reason=run.reason,
        error=run.error,
        outputs=run.outputs,
        steps=tuple(
            StepOutput(
                id=step.id,
                title=step.title,
                outcome=step.outcome,
                detail=step.detail,
                attempts=step.attempts,
                started_at=_moment(step.started_at),
                ended_at=_moment(step.ended_at),
                outputs=step.outputs,
            )
            for step in run.steps
        ),
    )


def emit(value: msgspec.Struct, output: str) -> None:
    """Print a value for programs."""
    plain = msgspec.to_builtins(value)
    if output == "yaml":
        click.echo(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True), nl=False)
    else:
        click.echo(json.dumps(plain, indent=2, ensure_ascii=False))


def say_plan(plan: Plan, *, err: bool = False) -> None:
    """Print a plan for people."""
    production = "  PRODUCTION" if plan.production else ""
    lines = [
        f"{plan.title}: {plan.target.name}{production}",
        f"  where   {plan.place}, namespace {plan.target.namespace}",
        f"  as      {plan.actor}",
        f"  plan    {plan.id}",
        "",
    ]
    for step in plan.steps:
        lines.append(f"  {step.title}")
        lines += [f"    {_change(hunk)}" for hunk in step.hunks]
    lines.append("")
    lines += [f"  {_finding(finding)}" for finding in plan.findings]
    if plan.refusals:
        count = len(plan.refusals)
        lines += ["", f"  Refused: {count} reason{'s' if count > 1 else ''} above."]
    click.echo(printable("\n".join(lines), limit=100_000), err=err)


def say_run(run: Run) -> None:
    """Print a run for people."""
    lines = [
        f"{run.title}: {run.target_name}",
        f"  run     {run.id}  {run.state.upper()}",
        f"  where   {run.key.cluster}, namespace {run.key.namespace}",
        f"  as      {run.actor} on {run.host}",
        f"  reason  {run.reason}",
        f"  began   {format_time(run.started_at)}",
        f"  ended   {_moment(run.ended_at) or '-'}",
    ]
    for step in run.steps:
        lines.append(f"  {step.outcome:<8} {step.title}")
        if step.detail:
            lines.append(f"           {step.detail}")
    lines += [
        f"  {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in run.outputs.items()
    ]
    if run.error:
        lines.append(f"  {run.error}")
    click.echo(printable("\n".join(lines), limit=100_000))


def exit_of(run: Run) -> Exit:
    """Return the code that says how a run ended."""
    if run.state is RunState.SUCCEEDED:
        return Exit.UNVERIFIED if run.unverified else Exit.OK
    if run.state is RunState.PAUSED and run.unverified:
        return Exit.UNVERIFIED
    codes = {RunState.UNDONE: Exit.FAILED_UNDONE, RunState.CANCELLED: Exit.INTERRUPTED}
    return codes.get(run.state, Exit.FAILED)


def on_terminal() -> bool:
    """Tell whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_for(word: str, what: str) -> str:
    """Ask a person to type a word."""
    answer: str = click.prompt(f"Type {word} to {what}", err=True, default="", show_default=False)
    return answer


class _Progress:
    """Says on stderr how runs go."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._said: dict[tuple[str, str], str] = {}

    def show(self) -> None:
        for key in self._store.take_batch().keys:
            run = self._store.snapshot.get(key) if key.kind == "run" else None
            if isinstance(run, Run):
                self._tell(run)

    def _tell(self, run: Run) -> None:
        self._once(run.id, "", f"{run.id} {run.state}")
        for step in run.steps:
            if step.outcome is not StepOutcome.PENDING:
                detail = f": {step.detail}" if step.detail else ""
                self._once(run.id, step.id, f"  {step.outcome} {step.title}{detail}")

    def _once(self, run_id: str, step: str, text: str) -> None:
        if self._said.get((run_id, step)) != text:
            self._said[run_id, step] = text
            click.echo(printable(text), err=True)


def _change(hunk: Hunk) -> str:
    return f"{hunk.object}  {hunk.field}: {hunk.before} -> {hunk.after}"


def _finding(finding: Finding) -> str:
    mark = "warn" if finding.level == "warn" and finding.ok is not True else _MARKS[finding.ok]
    remedy = f"\n         -> {finding.remedy}" if finding.remedy else ""
    return f"{mark} {finding.check}: {finding.message}{remedy}"


def _moment(moment: float | None) -> str | None:
    return None if moment is None else format_time(moment)
