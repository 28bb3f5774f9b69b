"""plan, run and runs from the command line, on the embedded fleet."""

import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.cli.acting import schemas
from console.cli.root import run as command_line
from tests.cli.schema_check import violations
from tests.stories.fleet import ROOT, EmbeddedFleet, Said, embedded_fleet

WORDS = ("scale-tenant", "acme", "--context", "prod-us-west-2")


class Shell:
    """The command line in this process: starting Python each time would be most of the test."""

    def __init__(self, fleet: EmbeddedFleet, capture: pytest.CaptureFixture[str]) -> None:
        self.environ = fleet.environ
        self.kubeconfig = fleet.kubeconfig
        self.state = fleet.state
        self._capture = capture

    def cli(self, *words: str) -> Said:
        self._capture.readouterr()
        code = command_line(words)
        said = self._capture.readouterr()
        return Said(code, said.out, said.err)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedFleet]:
    with embedded_fleet(tmp_path_factory.mktemp("runs")) as running:
        yield running


@pytest.fixture
def fleet(
    shared: EmbeddedFleet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    for name, value in shared.environ.items():
        monkeypatch.setenv(name, value)
    return Shell(shared, capsys)


def plan(fleet: Shell, maximum: int) -> Any:
    said = fleet.cli("plan", *WORDS, "--max", str(maximum), "--reason", "launch day", "-o", "json")
    assert said.code == 0, said.err
    return json.loads(said.out)


def broken(value: Any, schema: dict[str, Any]) -> list[str]:
    return violations(value, schema, schema)


def live_max(fleet: Shell) -> int:
    """Return the maximum that a plan finds."""
    said = fleet.cli("plan", *WORDS, "--reason", "look", "-o", "json")
    return int(json.loads(said.out)["inputs"]["max"])


def run(fleet: Shell, made: Any) -> Any:
    return fleet.cli(
        "run",
        *WORDS,
        "--max",
        str(made["inputs"]["max"]),
        "--reason",
        "launch day",
        "--yes",
        "--plan-id",
        made["planId"],
        "-o",
        "json",
    )


def test_plan_run_and_history_tell_one_story(fleet: Shell) -> None:
    made = plan(fleet, live_max(fleet) + 2)
    assert broken(made, schemas()["plan"]) == []
    (hunk,) = made["steps"][0]["hunks"]
    assert (hunk["field"], hunk["after"] - hunk["before"]) == ("spec.maxReplicas", 2)
    assert made["refusals"] == []
    said = run(fleet, made)
    done = json.loads(said.out)
    assert (said.code, done["state"]) == (0, "succeeded"), said.err
    assert broken(done, schemas()["run"]) == []
    assert done["outputs"]["after"]["max"] == hunk["after"]
    assert [step["outcome"] for step in done["steps"]] == ["done"] * 3
    assert "running" in said.err
    shown = fleet.cli("runs", "show", done["runId"], "-o", "json")
    assert json.loads(shown.out) == done
    listed = json.loads(fleet.cli("runs", "list", "-o", "json").out)
    assert broken(listed, schemas()["runs"]) == []
    assert listed["items"][0]["runId"] == done["runId"]
    again = run(fleet, made)
    assert again.code == 5
    assert "already carried out" in again.err
    assert fleet.cli("runs", "check").code == 0


def test_a_plan_whose_world_moved_exits_5_and_writes_nothing(fleet: Shell) -> None:
    before = live_max(fleet)
    stale, other = plan(fleet, before + 2), plan(fleet, before + 1)
    assert run(fleet, other).code == 0
    said = run(fleet, stale)
    assert said.code == 5
    assert "the world moved" in said.err
    assert live_max(fleet) == before + 1


def test_what_gitops_would_take_back_is_refused_with_5(fleet: Shell) -> None:
    said = fleet.cli("plan", "scale-tenant", "globex", "--max", "21", "--reason", "x")
    assert said.code == 5
    assert "heals itself" in said.out


def test_other_words_than_the_plans_are_a_usage_error(fleet: Shell) -> None:
    made = plan(fleet, live_max(fleet) + 1)
    said = fleet.cli("run", *WORDS, "--max", "99", "--yes", "--plan-id", made["planId"])
    assert said.code == 2
    assert "its max is" in said.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", *WORDS), "needs --yes --plan-id"),
        (("run", *WORDS, "--yes"), "--yes needs --plan-id"),
        (("plan", "scale-tenent", "acme"), "did you mean scale-tenant"),
        (("plan", *WORDS, "--max", "many"), "max: 'many' is not a whole number"),
        (("run", *WORDS, "--yes", "--plan-id", "p-none"), "no plan has the id"),
        (("runs", "show", "r-none"), "no run has the id"),
    ],
)
def test_wrong_words_exit_2_and_say_why(fleet: Shell, words: tuple[str, ...], said: str) -> None:
    result = fleet.cli(*words)
    assert result.code == 2
    assert said in result.err
    assert result.out == ""


def test_the_catalogue_and_the_options_come_from_the_manifest(fleet: Shell) -> None:
    assert "Change a tenant's autoscaler bounds" in fleet.cli("plan").out
    text = fleet.cli("plan", "scale-tenant", "--help").out
    for option in ("--component", "--min", "--max", "--reason"):
        assert option in text


def test_read_only_refuses_and_still_shows_the_change(fleet: Shell) -> None:
    high = str(live_max(fleet) + 1)
    said = fleet.cli("--read-only", "plan", *WORDS, "--max", high, "--reason", "x", "-o", "json")
    made = json.loads(said.out)
    assert said.code == 5
    assert [refusal["check"] for refusal in made["refusals"]] == ["read-only"]
    assert made["steps"][0]["hunks"]


def test_on_a_terminal_the_name_has_to_be_typed(fleet: Shell) -> None:
    high = live_max(fleet) + 1
    code, text = _typed(fleet, "acne", high)
    assert code == 5
    assert "type acme" in text
    assert live_max(fleet) == high - 1


def test_a_killed_run_is_interrupted_and_resumed(fleet: Shell) -> None:
    made = plan(fleet, live_max(fleet) + 1)
    struck(fleet, made, signal.SIGKILL)
    listed = json.loads(fleet.cli("runs", "list", "-o", "json").out)["items"][0]
    assert (listed["planId"], listed["state"]) == (made["planId"], "interrupted")
    said = fleet.cli("runs", "resume", listed["runId"], "--yes", "-o", "json")
    assert (said.code, json.loads(said.out)["state"]) == (0, "succeeded"), said.err


def test_ctrl_c_ends_a_run_cleanly_with_130_and_leaves_the_bounds_alone(fleet: Shell) -> None:
    before = live_max(fleet)
    made = plan(fleet, before + 1)
    assert struck(fleet, made, signal.SIGINT) == 130
    listed = json.loads(fleet.cli("runs", "list", "-o", "json").out)["items"][0]
    assert (listed["planId"], listed["state"]) == (made["planId"], "cancelled")
    assert live_max(fleet) == before


def struck(fleet: Shell, made: Any, blow: signal.Signals) -> int:
    """Run a plan in a process of its own, and strike it as soon as it is under way."""
    words = ("run", *WORDS, "--yes", "--plan-id", made["planId"])
    program = subprocess.Popen(
        [sys.executable, "-P", "-m", "console", *words],
        cwd=ROOT,
        env=fleet.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with program:
        assert program.stderr is not None
        for line in program.stderr:
            if line.endswith(" confirmed\n"):
                continue
            program.send_signal(blow)
            break
        program.stderr.read()
    return program.returncode


def test_no_token_of_the_fleet_is_in_the_journal(fleet: Shell) -> None:
    plan(fleet, live_max(fleet) + 1)
    tokens = set(_tokens(Path(fleet.kubeconfig).read_text()))
    (journal,) = fleet.state.rglob("journal.db")
    with sqlite3.connect(journal) as db:
        text = "\n".join(db.iterdump())
    db.close()
    assert tokens
    assert not [token for token in tokens if token in text]


def _tokens(text: str) -> Iterator[str]:
    for line in text.splitlines():
        name, _, value = line.strip().partition(": ")
        if name == "token":
            yield value.strip("'\"")


def _typed(fleet: Shell, word: str, maximum: int) -> tuple[int, str]:
    """Run on a terminal of its own, answering the question with a word."""
    words = ("run", *WORDS, "--max", str(maximum), "--reason", "x")
    child, terminal = pty.fork()
    if not child:
        os.chdir(ROOT)
        command = [sys.executable, "-P", "-m", "console", *words]
        os.execve(sys.executable, command, fleet.environ)
    text = b""
    while b"Type acme" not in text:
        text += os.read(terminal, 4096)
    os.write(terminal, f"{word}\n".encode())
    try:
        while part := os.read(terminal, 4096):
            text += part
    except OSError:
        pass  # Linux ends a terminal that nobody holds any more with EIO
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text.decode()
