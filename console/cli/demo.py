"""Opens the console on an embedded fleet, which is a process of its own like any other fleet."""

import os
import select
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

import click

from console.cli.session import Session
from console.errors import ConsoleError
from console.redact import printable

_NEEDED = ("KUBECONFIG", "SHIFU_FLEET")
_READY_SECONDS = 20.0
_STOP_SECONDS = 5.0


@click.command(name="demo")
@click.option("--serve", is_flag=True, help="Run the fleet alone, and print what to export.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME[=WHERE]",
    help="Break something from the start; repeatable.",
)
@click.pass_context
def command(ctx: click.Context, serve: bool, faults: tuple[str, ...]) -> None:
    """Open the console on an embedded fleet of four clusters."""
    # -P: a folder called `console` where we are started must not stand in for ours.
    program = [sys.executable, "-P", "-m", "console.sandbox", "--serve"]
    program += [part for fault in faults for part in ("--fault", fault)]
    if serve:
        os.execv(program[0], program)  # noqa: S606  our own interpreter
    session: Session = ctx.obj
    from console.__main__ import open_screens

    click.echo("starting an embedded fleet of four clusters…", err=True)
    with _running([*program, "--parent", str(os.getpid())]) as exported:
        # What is done to an embedded fleet is no part of the history of a real one.
        state = Path(exported["KUBECONFIG"]).parent / "state"
        os.environ.update({"XDG_STATE_HOME": str(state), **exported})
        ctx.exit(
            open_screens(
                replace(
                    session,
                    kubeconfig=exported["KUBECONFIG"],
                    fleet_file=exported["SHIFU_FLEET"],
                )
            )
        )


@contextmanager
def _running(program: list[str]) -> Iterator[dict[str, str]]:
    """Start the fleet, give what it exports, and stop it at the end."""
    with (
        tempfile.TemporaryFile() as talk,
        subprocess.Popen(  # noqa: S603  our own interpreter and module
            program, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=talk
        ) as fleet,
    ):
        try:
            yield _exports(fleet, talk)
        finally:
            fleet.terminate()
            try:
                fleet.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                fleet.kill()


def _exports(fleet: "subprocess.Popen[bytes]", talk: IO[bytes]) -> dict[str, str]:
    """Read `export NAME=VALUE` lines until all that is needed was said."""
    assert fleet.stdout is not None  # noqa: S101  asked for above
    pipe = fleet.stdout.fileno()
    end = time.monotonic() + _READY_SECONDS
    said = b""
    while (left := end - time.monotonic()) > 0:
        if not select.select([pipe], [], [], left)[0]:
            break
        chunk = os.read(pipe, 1 << 16)
        if not chunk:
            raise ConsoleError(f"the embedded fleet did not start: {_last_words(talk)}")
        said += chunk
        exported = _parse(said.decode("utf-8", "replace"))
        if all(name in exported for name in _NEEDED):
            return exported
    raise ConsoleError(f"the embedded fleet was not ready within {_READY_SECONDS:g} s")


def _parse(said: str) -> dict[str, str]:
    complete = said[: said.rfind("\n") + 1].splitlines()
    lines = [line.removeprefix("export ") for line in complete if line.startswith("export ")]
    pairs = (shlex.split(line)[0].partition("=") for line in lines)
    return {name: value for name, _, value in pairs}


def _last_words(talk: IO[bytes]) -> str:
    talk.seek(0)
    lines = talk.read().decode("utf-8", "replace").strip().splitlines()
    return printable(lines[-1]) if lines else "it said nothing"
