"""The command line: global options, and commands that load only what they need."""

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from console.cli.exits import exit_code
from console.cli.session import Session
from console.errors import ConsoleError
from console.redact import redact

_COMMANDS: dict[str, tuple[str, str]] = {
    "get": ("get", "List records of a kind over all clusters."),
    "describe": ("describe", "Show everything known about one thing."),
    "plan": ("plan", "Say what an action would do; changes nothing."),
    "run": ("run", "Carry out an action."),
    "runs": ("runs", "List, show and resume runs."),
    "doctor": ("doctor", "Check configuration, credentials and clusters."),
    "config": ("config", "Show the settings in force, or their JSON Schema."),
    "demo": ("demo", "Open the console on an embedded fleet."),
    "completion": ("completion", "Print the shell completion script."),
    "version": ("version", "Print the version."),
}


class _LazyGroup(click.Group):
    """Imports a command's module when the command is used: `get` never pays for `run`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        entry = _COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module = importlib.import_module(f"console.cli.{entry[0]}")
        command = module.command
        assert isinstance(command, click.Command)  # noqa: S101  a programming error, not input
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(
    cls=_LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--context",
    "contexts",
    multiple=True,
    metavar="NAME|GLOB",
    help="First scope; repeatable. Every cluster stays linked.",
)
@click.option("--kubeconfig", metavar="FILE", help="One kubeconfig file instead of $KUBECONFIG.")
@click.option("--fleet", metavar="FILE", envvar="SHIFU_FLEET", help="fleet.yaml to use.")
@click.option("--read-only", is_flag=True, help="Close the write gateway for every cluster.")
@click.option(
    "--request-timeout",
    type=click.FloatRange(0.1),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Deadline of one request.",
)
@click.pass_context
def root(
    ctx: click.Context,
    *,
    contexts: tuple[str, ...],
    kubeconfig: str | None,
    fleet: str | None,
    read_only: bool,
    request_timeout: float,
) -> None:
    """Operate a fleet of clusters that run AI-Shifu tenants; without a command, the screens."""
    ctx.obj = Session(
        contexts=contexts,
        kubeconfig=kubeconfig,
        fleet_file=fleet,
        read_only=read_only,
        request_timeout=request_timeout,
    )
    if ctx.invoked_subcommand is None:
        open_screens = importlib.import_module("console.__main__").open_screens
        ctx.exit(open_screens(ctx.obj))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    _fill_closed_streams()
    try:
        result = root.main(args=arguments, prog_name="shifu-console", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; a second error while Python flushes would be noise.
        sys.stdout = None
        return 0
    except ConsoleError as error:
        click.echo(f"shifu-console: {redact(str(error))}", err=True)
        return int(exit_code(error))
    return result if isinstance(result, int) else 0


def _fill_closed_streams() -> None:
    """Give what a caller closed (`>&-`) somewhere to go, before a socket takes its number."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  open for as long as we run
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  same
