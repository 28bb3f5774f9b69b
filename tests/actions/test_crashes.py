"""Killed at any moment, a run is interrupted; resume looks first, and applies nothing twice."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from actions.journal import Journal
from actions.model import RunState
from tests.actions.crashing import BOUNDARIES
from tests.actions.fakes import FastClock, Scene, unpin

PLACES = [f"{row:02}-{side}" for row in range(BOUNDARIES) for side in ("before", "after")]


@pytest.fixture(scope="module", params=["forward", "cancelled"])
def wrecks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folders that crashes at every boundary left behind."""
    root = tmp_path_factory.mktemp(request.param)
    command = [sys.executable, "-m", "tests.actions.crashing", str(root), request.param]
    subprocess.run(command, check=True, timeout=110, cwd=Path(__file__).parents[2])
    states = list(left_behind(root))
    assert states.count(RunState.INTERRUPTED) >= 14, "the crashes have to be real"
    assert any(state.is_over for state in states), "the story has to have an end"
    return root


def left_behind(root: Path) -> Iterator[RunState]:
    for place in PLACES:
        journal = Journal(root / place / "journal.db", FastClock())
        yield from (run.state for run in journal.runs())
        journal.close()


@pytest.fixture
def wreck(wrecks: Path, place: str) -> Path:
    return wrecks / place


@pytest.mark.parametrize("place", PLACES)
async def test_a_killed_run_is_resumed_to_one_consistent_end(wreck: Path, place: str) -> None:
    scene = Scene(wreck)
    scene.outlive_process()
    unpin(scene.tenant)
    runs = scene.desk.runs()
    if not runs:
        assert place == "00-before"
        assert scene.applies == 0
        return
    (run,) = runs
    if not run.state.is_over:
        assert run.state is RunState.INTERRUPTED
        run = await scene.desk.wait(await scene.desk.resume(run.id))
    went_back = run.state is RunState.CANCELLED
    assert went_back or run.state is RunState.SUCCEEDED
    assert scene.bounds == ((2, 6) if went_back else (2, 9))
    assert scene.applies == (2 if went_back else 1)
    assert scene.journal.broken_at() is None
    lease = scene.management.find("leases", "shifu-ops", "tenant-acme")
    assert lease["spec"]["holderIdentity"] == "" or run.id == runs[0].id
    await scene.desk.close()
