"""The embedded fleet as a process, as `demo` starts it, and the command line beside it."""

import json
import os
import select
import shlex
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.cli.session import Session

ROOT = Path(__file__).parents[2]
READY_SECONDS = 30.0


@dataclass(frozen=True)
class EmbeddedFleet:
    """Where a running embedded fleet is reached."""

    kubeconfig: str
    fleet_file: str
    control: str
    state: Path

    def session(self, *contexts: str, read_only: bool = False) -> Session:
        return Session(
            contexts=contexts,
            kubeconfig=self.kubeconfig,
            fleet_file=self.fleet_file,
            read_only=read_only,
            request_timeout=5.0,
        )

    def fault(self, name: str, where: str | None = None) -> None:
        body = json.dumps({"name": name, "where": where}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.control}/fault", body, headers, method="POST")
        urllib.request.urlopen(request, timeout=10).close()

    def cli(self, *words: str, timeout: float = 100.0) -> "Said":
        """Run one command as a person's shell would."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "console", *words],
            cwd=ROOT,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.state),
            "XDG_STATE_HOME": str(self.state),
            "LC_ALL": "C.UTF-8",
            "KUBECONFIG": self.kubeconfig,
            "SHIFU_FLEET": self.fleet_file,
        }


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@contextmanager
def embedded_fleet(folder: Path) -> Iterator[EmbeddedFleet]:
    """Start a fleet of its own, and stop it."""
    program = [sys.executable, "-P", "-m", "console.sandbox", "--serve"]
    place = folder / "fleet"
    place.mkdir()
    with (
        (folder / "fleet.log").open("wb") as log,
        subprocess.Popen(
            [*program, "--dir", str(place), "--parent", str(os.getpid())],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
        ) as process,
    ):
        try:
            exported = _exports(process)
            state = folder / "state"
            state.mkdir()
            yield EmbeddedFleet(
                exported["KUBECONFIG"],
                exported["SHIFU_FLEET"],
                exported["SHIFU_SANDBOX_CONTROL"],
                state,
            )
        finally:
            process.terminate()
            process.wait(10)


def _exports(process: "subprocess.Popen[bytes]") -> dict[str, str]:
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    end = time.monotonic() + READY_SECONDS
    said = b""
    while b"SHIFU_SANDBOX_CONTROL=" not in said or not said.endswith(b"\n"):
        left = end - time.monotonic()
        assert left > 0, "the embedded fleet was not ready in time"
        if select.select([pipe], [], [], left)[0]:
            chunk = os.read(pipe, 1 << 16)
            assert chunk, "the embedded fleet ended; see fleet.log"
            said += chunk
    lines = said.decode().splitlines()
    words = [shlex.split(line)[1] for line in lines if line.startswith("export ")]
    return dict(word.split("=", 1) for word in words)
