"""A desk on a fake fleet, closed at the end."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.actions.fakes import Scene


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Give a desk, its journal and its fake clusters."""
    made = Scene(tmp_path)
    yield made
    await made.desk.close()
