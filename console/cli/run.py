"""`run`: carry out an action, after a person or an earlier plan said so."""

import asyncio
import signal
from typing import Any

import click

from actions.desk import Desk
from actions.inputs import read_value
from actions.manifest import Catalogue, Manifest
from actions.model import Plan, Run
from console.cli import acting
from console.cli.exits import Exit
from console.cli.session import Session
from console.errors import ConfigError, RefusedError


def _make(catalogue: Catalogue, manifest: Manifest) -> click.Command:
    @click.pass_obj
    def callback(session: Session, /, target: str, **options: Any) -> int:
        return asyncio.run(_run(session, catalogue, manifest, target, options))

    return click.Command(
        manifest.name,
        callback=callback,
        params=[
            *acting.action_params(manifest),
            click.Option(
                ["yes", "--yes"], is_flag=True, help="Do not ask; only together with --plan-id."
            ),
            click.Option(
                ["plan_id", "--plan-id"], metavar="ID", help="Carry out this plan and no other."
            ),
        ],
        help=f"{manifest.title}: plan, confirm, carry out, verify.",
    )


class _RunGroup(acting.ActionGroup):
    make = staticmethod(_make)


@click.group(name="run", cls=_RunGroup)
def command() -> None:
    """Carry out an action; without a terminal only with --yes --plan-id."""


async def _run(
    session: Session,
    catalogue: Catalogue,
    manifest: Manifest,
    target: str,
    options: dict[str, Any],
) -> int:
    yes, plan_id = options["yes"], options["plan_id"]
    if yes and not plan_id:
        raise click.UsageError("--yes needs --plan-id: the id that `plan` printed")
    if not yes and not acting.on_terminal():
        raise click.UsageError("without a terminal, `run` needs --yes --plan-id ID")
    scope = session.scope(options["contexts"])
    async with acting.open_desk(session, catalogue) as desk:
        if plan_id:
            plan = desk.plan_by_id(plan_id)
            _check_same_words(plan, manifest, target, options, scope)
        else:
            inputs = acting.given_inputs(manifest, options)
            plan = await desk.plan(manifest.name, target, inputs, clusters=scope)
        typed = plan.confirm
        if not yes:
            acting.say_plan(plan, err=True)
            if plan.refusals:
                raise RefusedError("the plan is refused, see above")
            typed = acting.ask_for(plan.confirm, "run this plan")
        run = await follow(desk, await desk.run(plan, typed=typed))
    return tell(run, options["output"])


def tell(run: Run, output: str) -> Exit:
    """Print how a run ended, and return its code."""
    if output == "table":
        acting.say_run(run)
    else:
        acting.emit(acting.run_output(run), output)
    return acting.exit_of(run)


async def follow(desk: Desk, run_id: str) -> Run:
    """Wait for a run; the first Ctrl-C asks it for a clean end, the second leaves it."""
    loop = asyncio.get_running_loop()
    left = asyncio.Event()
    asked = False

    def interrupt() -> None:
        nonlocal asked
        if asked:
            left.set()
            return
        asked = True
        click.echo("cancelling: the step under way is finished first; again to leave it", err=True)
        desk.cancel(run_id)

    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, interrupt)
    try:
        waiting = asyncio.create_task(desk.wait(run_id))
        leaving = asyncio.create_task(left.wait())
        await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        if not waiting.done():
            waiting.cancel()
            click.echo(f"left as it is; go on with: runs resume {run_id}", err=True)
            raise click.Abort
        return waiting.result()
    finally:
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(name)


def _check_same_words(
    plan: Plan,
    manifest: Manifest,
    target: str,
    options: dict[str, Any],
    scope: tuple[str, ...],
) -> None:
    """Refuse words that are not the plan's: a script that mixes up two plans must not run one."""
    problems = []
    if plan.action != manifest.name:
        problems.append(f"it is of action {plan.action}")
    if target not in (plan.target.name, str(plan.target)):
        problems.append(f"its target is {plan.target.name}")
    if plan.target.cluster not in scope:
        problems.append(f"it acts on {plan.target.cluster}")
    for name, text in acting.given_inputs(manifest, options).items():
        try:
            same = read_value(manifest.inputs[name], text) == plan.inputs.get(name)
        except ValueError:
            same = False
        if not same:
            problems.append(f"its {name} is {plan.inputs.get(name)}")
    if problems:
        message = f"plan {plan.id} is another one: {', '.join(problems)}"
        raise ConfigError(message, remedy="use the words that it was made with")
