"""The command line keeps its manners wherever its output goes."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Program

ROOT = Path(__file__).parents[2]


def _shell(program: Program, line: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `$console` is the program."""
    console = f"{sys.executable} -P -m console --kubeconfig {program.kubeconfig}"
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        env=os.environ | {"console": console, "PYTHONPATH": str(ROOT)} | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("line", ["$console get clusters >&-", "$console version >&-"])
def test_a_closed_stdout_is_no_error_of_ours(program: Program, line: str) -> None:
    done = _shell(program, line)
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if "version" in line else 3)


def test_a_reader_that_leaves_early_is_no_error_of_ours(program: Program) -> None:
    done = _shell(program, "$console config schema | head -c 1 > /dev/null")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_without_a_terminal_the_screens_refuse_and_say_what_to_use(program: Program) -> None:
    done = _shell(program, "$console")
    assert done.returncode == 2
    assert "shifu-console get" in done.stderr


def test_a_dumb_terminal_gets_the_same_answer(program: Program) -> None:
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "console", "--kubeconfig", str(program.kubeconfig)],
            env=os.environ | {"TERM": "dumb", "PYTHONPATH": str(ROOT)},
            stdin=theirs,
            stdout=theirs,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 2
    assert "shifu-console get" in done.stderr


def test_no_colour_when_nobody_wants_it(program: Program) -> None:
    assert "\x1b" not in _shell(program, "$console get clusters", NO_COLOR="1").stdout


def test_a_journal_without_a_place_refuses_and_says_the_way_out(program: Program) -> None:
    done = _shell(program, "$console runs list", XDG_STATE_HOME="/proc/nowhere")
    assert done.returncode != 0
    assert "XDG_STATE_HOME" in done.stderr
