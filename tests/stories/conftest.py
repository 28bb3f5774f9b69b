from collections.abc import Iterator

import pytest

from tests.stories.fleet import EmbeddedFleet, embedded_fleet


@pytest.fixture
def fleet(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EmbeddedFleet]:
    with embedded_fleet(tmp_path_factory.mktemp("story")) as running:
        monkeypatch.setenv("XDG_STATE_HOME", str(running.state))
        yield running
