"""Each fault does what its name says, and stops when it is switched off."""

import asyncio
import json
import subprocess
from typing import Any

import aiohttp
import pytest

from tests.contract import objects
from tests.contract.client import Api
from tests.sandbox.conftest import Connect
from tests.sandbox.program import Program

WHERE = "prod-ap-southeast-1"
PODS = "/api/v1/pods"


async def fault(control: Api, name: str, where: str | None = WHERE) -> None:
    answer = await control.post("/fault", {"name": name, "where": where})
    assert answer.status == 200, answer.body


async def test_down_refuses_connections_until_it_is_over(control: Api, cluster: Connect) -> None:
    api = cluster(WHERE)
    await fault(control, "down")
    with pytest.raises(aiohttp.ClientConnectorError):
        await api.get(PODS)
    assert (await cluster("prod-us-west-2").get(PODS)).status == 200
    await control.delete("/fault")
    assert (await api.get(PODS)).status == 200


async def test_down_ends_open_watches(control: Api, cluster: Connect) -> None:
    async with cluster(WHERE).watch(PODS, timeoutSeconds=60) as events:
        await events.next()
        await fault(control, "down")
        try:
            await events.rest()
        except aiohttp.ClientError:
            return  # cut in the middle of a line instead of after one


async def test_a_black_hole_accepts_and_never_answers(control: Api, cluster: Connect) -> None:
    api = cluster(WHERE)
    await fault(control, "blackhole")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await api.get(PODS)
    await control.delete("/fault")
    assert (await api.get(PODS)).status == 200


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("unauthorized", 401, "Unauthorized"),
        ("error", 500, "InternalError"),
        ("throttle", 429, "TooManyRequests"),
    ],
)
async def test_a_refusal_is_a_status(
    control: Api, cluster: Connect, name: str, code: int, reason: str
) -> None:
    await fault(control, name)
    found = await cluster(WHERE).get(PODS)
    assert (found.status, found.reason) == (code, reason)
    assert ("Retry-After" in found.headers) is (name == "throttle")
    await control.delete("/fault")
    assert (await cluster(WHERE).get(PODS)).status == 200


async def test_gone_ends_watches_with_an_expired_version(control: Api, cluster: Connect) -> None:
    async with cluster(WHERE).watch(PODS, resourceVersion="0") as events:
        await events.next()
        await fault(control, "gone")
        event = await events.until("ERROR")
        assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    async with cluster(WHERE).watch(PODS) as events:
        assert (await events.next())["object"]["code"] == 410
    assert (await cluster(WHERE).get(PODS)).status == 200


async def test_silence_keeps_a_watch_open_and_mute(control: Api, cluster: Connect) -> None:
    api = cluster(WHERE)
    maps = "/api/v1/namespaces/default/configmaps"
    async with api.watch(maps) as events:
        await fault(control, "silence")
        made = await api.post(maps, objects.config_map("silent"))
        assert made.status == 201
        with pytest.raises(TimeoutError):
            await events.next(0.5)
        await control.delete("/fault")
        assert (await events.next())["object"]["metadata"]["name"] == "silent"
    await api.delete(f"{maps}/silent")


async def test_a_slow_list_is_late_and_a_get_is_not(control: Api, cluster: Connect) -> None:
    await fault(control, "slow-list")
    api = cluster(WHERE)
    late = asyncio.ensure_future(api.get(PODS))
    assert (await api.get("/api/v1/namespaces/default")).status == 200
    assert not late.done()
    assert (await late).status == 200


def credential(program: Program) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program.folder / "exec-credential"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def token(program: Program) -> str:
    printed = credential(program)
    assert printed.returncode == 0, printed.stderr
    found: dict[str, Any] = json.loads(printed.stdout)
    return str(found["status"]["token"])


async def test_an_expired_exec_token_is_refused_and_its_plugin_says_why(
    program: Program, control: Api, cluster: Connect
) -> None:
    api, old = cluster(WHERE), token(program)
    assert (await api.get(PODS, user=old)).status == 200
    await fault(control, "expired-exec-token")
    assert (await api.get(PODS, user=old)).status == 401
    refused = credential(program)
    assert refused.returncode == 1
    assert "the SSO session has expired" in refused.stderr
    await control.delete("/fault")
    new = token(program)
    assert new != old
    assert (await api.get(PODS, user=new)).status == 200


async def test_the_state_names_faults_and_counts(control: Api) -> None:
    await fault(control, "error", None)
    state = (await control.get("/state")).body["clusters"]
    assert {name: one["faults"] for name, one in state.items()} == {
        name: ["error"] for name in state
    }
    assert state[WHERE]["objects"]["nodes"] == 8


@pytest.mark.parametrize(
    "asked", [{"name": "flood"}, {"name": "down", "where": "nowhere"}, {"nome": "down"}]
)
async def test_a_fault_that_does_not_exist_is_refused(control: Api, asked: dict[str, str]) -> None:
    answer = await control.post("/fault", asked)
    assert answer.status == 422
    assert answer.body["error"]
