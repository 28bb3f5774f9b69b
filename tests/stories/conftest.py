from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stories.fleet import EmbeddedFleet, embedded_fleet


@pytest.fixture(autouse=True)
def own_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.fixture
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedFleet]:
    """Start a fleet of the story's own, to be changed and broken."""
    with embedded_fleet(tmp_path_factory.mktemp("story")) as running:
        yield running


@pytest.fixture(scope="module")
def shared_fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedFleet]:
    """Start a fleet that the module's stories only look at."""
    with embedded_fleet(tmp_path_factory.mktemp("stories")) as running:
        yield running
