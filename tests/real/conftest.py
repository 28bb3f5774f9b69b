"""Session fixtures: one control plane and one fleet for all tests of a run."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.real import servers
from tests.real.control_plane import ControlPlane
from tests.real.fleet import Fleet
from tests.real.kubelets import Node

_HERE = servers.MODULES.parent
# These read files and need no server.
_SERVERLESS = {"test_servers.py", "test_recordings.py"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = servers.missing()
    if missing is None or os.environ.get("CI"):
        return
    for item in items:
        if _needs_servers(item):
            item.add_marker(pytest.mark.skip(reason=f"needs {missing}"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    missing = servers.missing()
    if missing is not None and os.environ.get("CI") and _needs_servers(item):
        pytest.fail(f"CI must have every server: {missing}", pytrace=False)


def _needs_servers(item: pytest.Item) -> bool:
    return _HERE in item.path.parents and item.path.name not in _SERVERLESS


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = len(terminalreporter.stats.get("skipped", []))
    terminalreporter.write_line(f"real servers: {skipped} tests skipped")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def plane() -> AsyncIterator[ControlPlane]:
    """Lend a control plane with three nodes and metrics."""
    nodes = [Node(name=f"node-{index}") for index in range(3)]
    async with ControlPlane("harness", nodes=nodes) as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def fleet() -> AsyncIterator[Fleet]:
    """Lend the whole fleet."""
    async with Fleet() as started:
        yield started
