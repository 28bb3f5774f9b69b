"""`plan`: say what an action would do; changes nothing."""

import asyncio
from typing import Any

import click

from actions.manifest import Catalogue, Manifest
from console.cli import acting
from console.cli.exits import Exit
from console.cli.session import Session


def _make(catalogue: Catalogue, manifest: Manifest) -> click.Command:
    @click.pass_obj
    def callback(session: Session, /, target: str, **options: Any) -> int:
        return asyncio.run(_plan(session, catalogue, manifest, target, options))

    return click.Command(
        manifest.name,
        callback=callback,
        params=acting.action_params(manifest),
        help=f"{manifest.title}: say what it would do; nothing is changed.",
    )


class _PlanGroup(acting.ActionGroup):
    make = staticmethod(_make)


@click.group(name="plan", cls=_PlanGroup, invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Say what an action would do; without one, list the actions."""
    if ctx.invoked_subcommand is not None:
        return
    catalogue = Catalogue()
    for manifest in catalogue.manifests.values():
        head = f"{manifest.name}@{manifest.version}"
        click.echo(f"{head:<28} {manifest.target:<10} {manifest.risk:<11} {manifest.title}")
    for error in catalogue.broken.values():
        click.echo(f"not usable: {error}", err=True)


async def _plan(
    session: Session,
    catalogue: Catalogue,
    manifest: Manifest,
    target: str,
    options: dict[str, Any],
) -> int:
    scope = session.scope(options["contexts"])
    inputs = acting.given_inputs(manifest, options)
    async with acting.open_desk(session, catalogue) as desk:
        plan = await desk.plan(manifest.name, target, inputs, clusters=scope)
    if options["output"] == "table":
        acting.say_plan(plan)
    else:
        acting.emit(acting.plan_output(plan), options["output"])
    return Exit.REFUSED if plan.refusals else Exit.OK
