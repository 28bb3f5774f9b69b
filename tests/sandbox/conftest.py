"""One fleet for the tests that only look, and a session with each of its clusters."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.contract.client import Api, Target, session
from tests.sandbox.program import Program, running

_HERE = Path(__file__).parent

Connect = Callable[[str], Api]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents and item.get_closest_marker("asyncio"):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def program() -> Iterator[Program]:
    with running() as started:
        yield started


@asynccontextmanager
async def connections(program: Program) -> AsyncIterator[Connect]:
    """Share one session between the clusters of a fleet."""

    async def never() -> None:
        raise NotImplementedError

    async with session(Target("", program.ca_file, program.tokens, never)) as shared:
        yield lambda context: shared.at(program.url(context))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cluster(program: Program) -> AsyncIterator[Connect]:
    """Connect to a cluster by its context, as admin."""
    async with connections(program) as connect:
        yield connect


@pytest_asyncio.fixture(loop_scope="session")
async def control(program: Program, cluster: Connect) -> AsyncIterator[Api]:
    """Speak to the control endpoint; whatever was switched on is off afterwards."""
    api = cluster("mgmt-us-west-2").at(program.control)
    yield api
    await api.delete("/fault")
