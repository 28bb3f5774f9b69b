"""The main job on real servers: find the pinned tenant, raise it, and survive what happens.

One fleet serves the whole story; each part leaves the tenant in a state that the next one states.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.actions.crashing import BOUNDARIES
from tests.real.api import Object, until
from tests.real.console import Console, Reply
from tests.real.control_plane import ControlPlane
from tests.real.fleet import BUSY, GIT_KEEPS, Fleet

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(400)]

_CONTEXT = "prod-us-west-2"
_HPA = "/apis/autoscaling/v2/namespaces/tenant-{}/horizontalpodautoscalers/ai-shifu-api"
_SETTLE_SECONDS = 120.0
# The claim, running, the intent, the result, what was read back, verifications, the last state.
_ROWS = range(BOUNDARIES)
_FEWEST_ROWS = 6


@pytest.fixture
def console(fleet: Fleet, tmp_path: Path) -> Console:
    """Lend a command line with an empty journal."""
    return Console(fleet.kubeconfig, fleet.fleet_file, tmp_path)


@pytest.fixture
def plane(fleet: Fleet) -> ControlPlane:
    """Lend the cluster of the busy tenant."""
    return fleet.planes[_CONTEXT]


async def _hpa(plane: ControlPlane, bid: str = BUSY) -> Object:
    async with plane.api() as api:
        found: Object = await api.get(_HPA.format(bid))
    return found


async def _bounds(plane: ControlPlane, bid: str = BUSY) -> tuple[int, int]:
    spec = (await _hpa(plane, bid))["spec"]
    return spec["minReplicas"], spec["maxReplicas"]


async def _reset(plane: ControlPlane, maximum: int) -> None:
    async with plane.api() as api:
        await api.patch(_HPA.format(BUSY), {"spec": {"maxReplicas": maximum}})


async def _planned(console: Console, maximum: int, bid: str = BUSY) -> tuple[list[str], Any]:
    words = ["scale-tenant", bid, "--context", _CONTEXT, "--max", str(maximum), "--reason", "load"]
    reply = await console("plan", *words, "-o", "json")
    assert reply.out, reply.err
    return words, reply.json()


async def _word(console: Console) -> str:
    reply = await console("get", "hpa", "-A", "--context", _CONTEXT, "-o", "json")
    return next(
        str(item["word"])
        for item in reply.json()["items"]
        if (item["namespace"], item["name"]) == (f"tenant-{BUSY}", "ai-shifu-api")
    )


def _says(console: Console, words: set[str]) -> Callable[[], Awaitable[bool]]:
    async def said() -> bool:
        return await _word(console) in words

    return said


async def _writes(plane: ControlPlane, bid: str = BUSY) -> int:
    """Return how many entries our field manager has: one, however often it applied."""
    managed = (await _hpa(plane, bid))["metadata"].get("managedFields", [])
    return sum(entry["manager"] == "shifu-console" for entry in managed)


async def test_the_pinned_tenant_is_found_raised_and_verified(
    fleet: Fleet, plane: ControlPlane, console: Console
) -> None:
    fleet.press()
    await until("pinned", _says(console, {"PINNED MAX"}), seconds=_SETTLE_SECONDS)
    before = (await _hpa(plane))["status"]["currentReplicas"]

    words, plan = await _planned(console, 12)
    assert plan["refusals"] == []
    hunks = [hunk for step in plan["steps"] for hunk in step["hunks"]]
    assert [(hunk["field"], hunk["before"], hunk["after"]) for hunk in hunks] == [
        ("spec.maxReplicas", 6, 12)
    ]
    reply = await console("run", *words, "--yes", "--plan-id", plan["planId"], "-o", "json")
    assert reply.code == 0, reply.err
    assert reply.json()["state"] == "succeeded"
    assert await _bounds(plane) == (2, 12)

    async def scaled_out() -> bool:
        return bool((await _hpa(plane))["status"]["currentReplicas"] > before)

    await until("scaled out", scaled_out, seconds=_SETTLE_SECONDS)
    # The load is shared by more pods now: the real controller lets go of the ceiling.
    unpinned = {"OK", "SCALING UP", "SCALING", "HOLDING", "RATE LIMITED", "NOT READY"}
    await until("unpinned", _says(console, unpinned), seconds=_SETTLE_SECONDS)

    again = await console("run", *words, "--yes", "--plan-id", plan["planId"])
    assert again.code == 5
    history = (await console("runs", "list", "-o", "json")).json()["items"]
    assert [(run["target"], run["state"]) for run in history] == [(BUSY, "succeeded")]


async def test_a_plan_whose_world_moved_is_refused(plane: ControlPlane, console: Console) -> None:
    await _reset(plane, 6)
    words, plan = await _planned(console, 8)
    await _reset(plane, 7)
    reply = await console("run", *words, "--yes", "--plan-id", plan["planId"])
    assert reply.code == 5, reply.err
    assert await _bounds(plane) == (2, 7)


async def test_what_git_would_undo_is_refused(plane: ControlPlane, console: Console) -> None:
    before = await _bounds(plane, GIT_KEEPS)
    words, plan = await _planned(console, before[1] + 1, GIT_KEEPS)
    assert "gitops.keeps" in {finding["check"] for finding in plan["refusals"]}
    reply = await console("run", *words, "--yes", "--plan-id", plan["planId"])
    assert reply.code == 5
    assert await _bounds(plane, GIT_KEEPS) == before


@pytest.mark.parametrize("side", ["before", "after"])
async def test_killed_at_any_row_it_resumes_by_looking_first(
    plane: ControlPlane, console: Console, side: str
) -> None:
    for row in _ROWS:
        await _reset(plane, 6)
        words, plan = await _planned(console, 9)
        process = await console.start(
            *("-m", "tests.real.crashing", side, str(row)),
            *("run", *words, "--yes", "--plan-id", plan["planId"]),
        )
        _, err = await asyncio.wait_for(process.communicate(), 60)
        if process.returncode != -signal.SIGKILL:
            assert row >= _FEWEST_ROWS, err.decode()
            break
        await _ends_well(plane, console, words, plan["planId"])


async def _ends_well(plane: ControlPlane, console: Console, words: list[str], plan_id: str) -> None:
    runs = (await console("runs", "list", "-o", "json")).json()["items"]
    run = next((run for run in runs if run["planId"] == plan_id), None)
    if run is None:  # it died before anything was promised: the plan can still be carried out
        assert await _bounds(plane) == (2, 6)
        reply = await console("run", *words, "--yes", "--plan-id", plan_id)
        assert reply.code == 0, reply.err
    elif run["state"] != "succeeded":
        assert run["state"] == "interrupted"
        reply = await _resumed(console, run["runId"])
        assert reply.code == 0, reply.err
    assert await _bounds(plane) == (2, 9)
    assert await _writes(plane) == 1


async def _resumed(console: Console, run_id: str) -> Reply:
    """Resume; the dead process's lock may have to run out first."""
    reply = await console("runs", "resume", run_id, "--yes")
    for _ in range(12):
        if reply.code != 6:
            break
        reply = await console("runs", "resume", run_id, "--yes")
    return reply


async def test_the_api_server_restarts_in_the_middle(plane: ControlPlane, console: Console) -> None:
    await _reset(plane, 6)
    words, plan = await _planned(console, 9)
    running = asyncio.create_task(
        console("run", *words, "--yes", "--plan-id", plan["planId"], "-o", "json")
    )

    async def written() -> bool:
        return await _bounds(plane) == (2, 9)

    await until("written", written, seconds=60)
    await plane.restart_apiserver()
    reply = await running
    assert reply.code == 0, reply.err
    assert await _bounds(plane) == (2, 9)


async def test_a_revoked_token_is_said_and_nothing_is_lost(
    plane: ControlPlane, console: Console
) -> None:
    await _reset(plane, 6)
    words, plan = await _planned(console, 9)
    await plane.revoke_token("operator")
    try:
        reply = await console("run", *words, "--yes", "--plan-id", plan["planId"])
        assert reply.code != 0
        assert await _bounds(plane) == (2, 6)
        seen = await console("get", "hpa", "-A", "-o", "json")
        assert seen.code == 4
        states = {
            source["cluster"]: source["state"]
            for source in seen.json()["sources"]
            if source["source"] == "hpa"
        }
        assert states["usw2"] == "failing"
        assert states["euc1"] == "live"
    finally:
        await plane.restore_token("operator")
    reply = await console("run", *words, "--yes", "--plan-id", plan["planId"])
    assert reply.code == 0, reply.err
    assert await _bounds(plane) == (2, 9)
