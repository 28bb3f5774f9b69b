"""The server under test: the embedded fleet, or with `--against=real` a real control plane."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.contract import objects
from tests.contract.client import Api, Space, Target, session
from tests.sandbox.program import running

_HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--against", choices=("embedded", "real"), default=None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def _against(config: pytest.Config) -> str:
    chosen = config.getoption("--against", default=None) or os.environ.get("SHIFU_AGAINST")
    return str(chosen or "embedded")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def target(request: pytest.FixtureRequest) -> AsyncIterator[Target]:
    """Lend the server that the whole run asks."""
    if _against(request.config) == "real":
        from tests.real.control_plane import ControlPlane

        async with ControlPlane(name="contract") as plane:
            yield Target(plane.url, plane.ca_file, plane.tokens, plane.compact)
        return
    with running() as program:

        async def compact() -> None:
            async with (
                aiohttp.ClientSession() as client,
                client.post(f"{program.control}/compact") as answer,
            ):
                assert answer.status == 200

        yield Target(program.url("mgmt-us-west-2"), program.ca_file, program.tokens, compact)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def api(target: Target) -> AsyncIterator[Api]:
    async with session(target) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def space(api: Api) -> AsyncIterator[Space]:
    own = Space(api)
    made = await api.post("/api/v1/namespaces", objects.namespace(own.name))
    assert made.status == 201, made.body
    yield own
    await api.delete(f"/api/v1/namespaces/{own.name}")
