"""`runs`: the history, and what to do with a run that did not end."""

import asyncio

import click

from console.cli import acting
from console.cli.exits import Exit
from console.cli.run import follow, tell
from console.cli.session import Session
from console.errors import ConfigError, RefusedError
from console.units import format_age

_OUTPUT = click.option(
    "-o", "--output", type=click.Choice(["table", "json", "yaml"]), default="table"
)


@click.group(name="runs")
def command() -> None:
    """List, show, resume and close runs."""


@command.command(name="list")
@_OUTPUT
@click.pass_obj
def list_runs(session: Session, output: str) -> None:
    """List every run of this machine, the newest first."""
    found = acting.journal(session).runs()
    if output != "table":
        items = tuple(acting.run_output(run) for run in found)
        acting.emit(acting.RunsOutput(kind="run", items=items), output)
        return
    now = session.clock.now()
    rows = [("RUN", "ACTION", "TARGET", "CLUSTER", "STATE", "AGE", "REASON")]
    rows += [
        (
            run.id,
            run.action,
            run.target_name,
            run.key.cluster,
            run.state.upper(),
            format_age(now - run.started_at),
            run.reason,
        )
        for run in found
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


@command.command()
@click.argument("run_id", metavar="ID")
@_OUTPUT
@click.pass_obj
def show(session: Session, run_id: str, output: str) -> None:
    """Show one run."""
    tell(acting.journal(session).run(run_id), output)


@command.command()
@click.argument("run_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_OUTPUT
@click.pass_obj
def resume(session: Session, run_id: str, yes: bool, output: str) -> int:
    """Go on with a paused or interrupted run; it looks before it acts."""
    return asyncio.run(_resume(session, run_id, yes=yes, output=output))


@command.command()
@click.argument("run_id", metavar="ID")
@click.option("--reason", required=True, help="Why; kept with the run.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_OUTPUT
@click.pass_obj
def close(session: Session, run_id: str, reason: str, yes: bool, output: str) -> int:
    """Give a paused or interrupted run up as it is; nothing is undone."""
    return asyncio.run(_close(session, run_id, reason, yes=yes, output=output))


@command.command()
@click.pass_obj
def check(session: Session) -> int:
    """Check that no row of the journal was altered or taken out."""
    broken = acting.journal(session).broken_at()
    if broken is None:
        click.echo("the journal is whole")
        return Exit.OK
    click.echo(f"the journal is broken at row {broken}")
    return Exit.PROBLEMS


async def _resume(session: Session, run_id: str, *, yes: bool, output: str) -> int:
    async with acting.open_desk(session) as desk:
        run = desk.show(run_id)
        _confirm(run.target_name, f"resume {run_id} ({run.state})", yes=yes)
        ended = await follow(desk, await desk.resume(run_id))
    return tell(ended, output)


async def _close(session: Session, run_id: str, reason: str, *, yes: bool, output: str) -> int:
    async with acting.open_desk(session) as desk:
        run = desk.show(run_id)
        _confirm(run.target_name, f"close {run_id} ({run.state})", yes=yes)
        closed = await desk.close_run(run_id, reason=reason)
    tell(closed, output)
    return Exit.OK


def _confirm(word: str, what: str, *, yes: bool) -> None:
    if yes:
        return
    if not acting.on_terminal():
        raise ConfigError(f"to {what} without a terminal, add --yes")
    if acting.ask_for(word, what) != word:
        raise RefusedError(f"not confirmed: type {word} to {what}")
