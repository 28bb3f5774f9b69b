"""Start the embedded fleet as the program that it is."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import yaml

ROOT = Path(__file__).parents[2]
_START_SECONDS = 30.0


class Program(msgspec.Struct, frozen=True):
    """A running fleet: its process, its folder, and where its clusters are."""

    process: subprocess.Popen[str]
    folder: Path
    control: str
    exports: dict[str, str]

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.crt"

    @property
    def tokens(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.folder / "tokens.json").read_text())
        return found

    def url(self, context: str) -> str:
        """Find a cluster's address as any client does: in the kubeconfig."""
        found: dict[str, Any] = yaml.safe_load((self.folder / "kubeconfig").read_text())
        return next(
            str(one["cluster"]["server"]) for one in found["clusters"] if one["name"] == context
        )


@contextmanager
def running(*arguments: str) -> Iterator[Program]:
    """Start the fleet, wait until it says it is ready, stop it in the end."""
    process = start(*arguments)
    try:
        exports = read_exports(process)
        yield Program(
            process,
            Path(exports["KUBECONFIG"]).parent,
            exports["SHIFU_SANDBOX_CONTROL"],
            exports,
        )
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        if process.stdout:
            process.stdout.close()


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start the program without waiting for it."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "console.sandbox", "--serve", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def read_exports(process: subprocess.Popen[str]) -> dict[str, str]:
    """Read the lines to export that it prints when it is ready."""
    assert process.stdout
    found: dict[str, str] = {}
    deadline = threading.Timer(_START_SECONDS, process.kill)
    deadline.start()
    try:
        while "SHIFU_SANDBOX_CONTROL" not in found:
            line = process.stdout.readline()
            assert line, f"the fleet did not come up: exit status {process.poll()}"
            name, _, value = line.removeprefix("export ").strip().partition("=")
            found[name] = value
    finally:
        deadline.cancel()
    return found
