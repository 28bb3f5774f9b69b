"""The console dies in the middle of a run; the next one looks, and finishes it."""

import os
import signal
import subprocess
import sys
import time

import pytest

from actions.journal import Journal
from console.clock import SystemClock
from screens.run import RunScreen
from tests.stories.fleet import ROOT, EmbeddedFleet
from tests.stories.screen import at_the_console

WORDS = ("scale-tenant", "acme", "--context", "prod-us-west-2", "--max", "10")
WHY = ("--reason", "exam week", "-o", "json")


def begin_and_kill(fleet: EmbeddedFleet) -> str:
    """Start a run, and kill its process as soon as the journal knows of it."""
    plan = fleet.cli("plan", *WORDS, *WHY).json
    words = ("run", *WORDS, *WHY, "--yes", "--plan-id", plan["planId"])
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "console", *words],
        cwd=ROOT,
        env=fleet.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        journal = Journal(fleet.state / "shifu-console" / "journal.db", SystemClock())
        end = time.monotonic() + 60
        while not (runs := journal.runs()):
            assert time.monotonic() < end, "no run began"
            assert process.poll() is None, "the run ended before it was seen"
        os.kill(process.pid, signal.SIGKILL)
        journal.close()
    return runs[0].id


@pytest.fixture
def interrupted(fleet: EmbeddedFleet) -> str:
    return begin_and_kill(fleet)


async def test_at_the_screens_an_interrupted_run_is_found_and_finished(
    fleet: EmbeddedFleet, interrupted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(fleet.state))
    async with at_the_console(fleet.session()) as person:
        await person.waits_for("usw2")
        await person.commands("runs")
        await person.waits_for(interrupted, "INTERRUPTED")
        await person.press("a")
        await person.waits_for("Type acme to resume")
        await person.types("acme")
        await person.press("enter")
        await person.waits(lambda: isinstance(person.app.screen, RunScreen), "the run")
        await person.waits_for("SUCCEEDED", seconds=90)


def test_without_a_screen_an_interrupted_run_is_found_and_finished(
    fleet: EmbeddedFleet, interrupted: str
) -> None:
    shown = fleet.cli("runs", "show", interrupted, "-o", "json").json
    assert shown["state"] == "interrupted"
    resumed = fleet.cli("runs", "resume", interrupted, "--yes", "-o", "json")
    assert resumed.code == 0, resumed.err
    assert resumed.json["state"] == "succeeded"
    again = fleet.cli("runs", "resume", interrupted, "--yes")
    assert again.code != 0, "a run that is over is not resumed"
