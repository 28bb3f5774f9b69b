"""A home folder with a kubeconfig and a fleet.yaml, and the program run in it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.cli.root import run

KUBECONFIG = """\
clusters:
- {name: one, cluster: {server: "https://127.0.0.1:1", insecure-skip-tls-verify: true}}
- {name: two, cluster: {server: "http://127.0.0.1:1", proxy-url: "http://me:hunter2@127.0.0.1:1"}}
users:
- {name: sre, user: {token: hunter2}}
contexts:
- {name: prod-us-west-2, context: {cluster: one, user: sre}}
- {name: lab, context: {cluster: two, user: sre}}
"""
FLEET = """\
clusters:
- context: prod-us-west-2
  alias: usw2
  role: tenant
- context: lab
guards:
  readOnlyClusters: [lab]
"""


class Program:
    """The command line in a home of its own."""

    def __init__(self, home: Path, capture: Callable[[], Any]) -> None:
        self.home = home
        self.kubeconfig = home / "kubeconfig"
        self.fleet = home / "fleet.yaml"
        self._capture = capture
        self.errors = ""
        self.kubeconfig.write_text(KUBECONFIG)
        self.fleet.write_text(FLEET)

    def run(self, *words: str) -> tuple[int, str]:
        """Return the exit code and what came on stdout."""
        code = run(["--kubeconfig", str(self.kubeconfig), "--fleet", str(self.fleet), *words])
        captured = self._capture()
        self.errors = captured.err
        return code, captured.out

    def json(self, *words: str) -> Any:
        """Return what came on stdout as data."""
        return json.loads(self.run(*words)[1])


@pytest.fixture
def program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Program:
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "SHIFU_FLEET", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    return Program(tmp_path, capsys.readouterr)
