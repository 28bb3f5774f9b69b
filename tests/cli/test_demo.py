import os
import sys
import textwrap
from pathlib import Path

import pytest

from console.cli import demo
from console.errors import ConsoleError


def program(code: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code)]


READY = """
    import sys, time
    for piece in ("export KUBE", "CONFIG='/a b'\\nsome talk\\nexport SHIFU_FLEET=", "/f\\n"):
        sys.stdout.write(piece)
        sys.stdout.flush()
    time.sleep(600)
"""


def test_what_the_fleet_exports_is_read_however_it_arrives() -> None:
    with demo._running(program(READY)) as exported:
        assert exported == {"KUBECONFIG": "/a b", "SHIFU_FLEET": "/f"}


def test_the_fleet_is_stopped_when_the_screens_end(tmp_path: Path) -> None:
    code = f"""
        import os, pathlib
        pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(os.getpid()))
    """
    with demo._running(program(textwrap.dedent(code) + textwrap.dedent(READY))):
        pid = int((tmp_path / "pid").read_text())
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_fleet_that_does_not_start_leaves_its_last_words() -> None:
    code = "import sys; sys.exit('no such fault: typhoon')"
    with (
        pytest.raises(ConsoleError, match="did not start: no such fault: typhoon"),
        demo._running(program(code)),
    ):
        pass


def test_a_fleet_that_is_never_ready_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "_READY_SECONDS", 0.1)
    with (
        pytest.raises(ConsoleError, match="not ready within"),
        demo._running(program("import time; time.sleep(600)")),
    ):
        pass
