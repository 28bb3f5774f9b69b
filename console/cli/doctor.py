"""Says what is read from where, and what stands between us and each cluster."""

import asyncio
import os

import click
import msgspec

from console.cli.examination import (
    Check,
    Report,
    State,
    examine_actions,
    examine_clusters,
    examine_files,
    examine_machine,
)
from console.cli.exits import Exit
from console.cli.session import Session
from console.cli.version import program_version
from console.errors import ConfigError

_MARKS = {
    State.OK: "✓",
    State.NOTE: "·",
    State.PROBLEM: "!",
    State.UNREACHABLE: "✗",
    State.AUTH: "✗",
}
_EXITS = {State.AUTH: Exit.AUTH, State.UNREACHABLE: Exit.PARTIAL, State.PROBLEM: Exit.PROBLEMS}


@click.command(name="doctor")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table")
@click.pass_context
def command(ctx: click.Context, output: str) -> None:
    """Check configuration, credentials and clusters.

    Exits 0 when all is well, 1 with problems, 3 when a cluster cannot be reached, 4 when one
    refuses our credentials.
    """
    session: Session = ctx.obj
    checks = asyncio.run(_examine(session))
    if output == "json":
        click.echo(_json(checks))
    else:
        for line in _lines(checks):
            click.echo(line)
    ctx.exit(exit_for(checks))


def exit_for(checks: list[Check]) -> Exit:
    """Return the code for what needs doing first: logging in, reaching, repairing."""
    found = {check.state for check in checks}
    return next((code for state, code in _EXITS.items() if state in found), Exit.OK)


async def _examine(session: Session) -> list[Check]:
    checks = [*examine_machine(os.environ), *examine_actions()]
    try:
        inventory = session.inventory
    except ConfigError as error:
        # Whoever asks the doctor wants to see everything that is wrong, not the first thing.
        area = Check(area="files", name="configuration", state=State.PROBLEM, detail=error.message)
        return [*checks, msgspec.structs.replace(area, remedy=error.remedy)]
    chosen = session.scope()
    clusters = [cluster for cluster in inventory.clusters if cluster.alias in chosen]
    asked = await examine_clusters(
        clusters, inventory.settings.thresholds, session.clock, session.request_timeout
    )
    return [*checks, *examine_files(inventory), *asked]


def _json(checks: list[Check]) -> str:
    problems = sum(check.state not in {State.OK, State.NOTE} for check in checks)
    report = Report(version=program_version(), problems=problems, checks=checks)
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode()


def _lines(checks: list[Check]) -> list[str]:
    width = max(len(check.name) for check in checks)
    lines: list[str] = []
    for area in dict.fromkeys(check.area for check in checks):
        lines += [*([""] if lines else []), area]
        for check in (check for check in checks if check.area == area):
            lines.append(f"  {_MARKS[check.state]} {check.name:<{width}}  {check.detail}")
            if check.remedy:
                lines.append(f"    {'':<{width}}  → {check.remedy}")
    bad = sum(check.state not in {State.OK, State.NOTE} for check in checks)
    return [*lines, "", "all is well" if not bad else f"{bad} to look at"]
