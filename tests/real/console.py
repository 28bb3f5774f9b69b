"""Runs the console's own command line on a real fleet, as a script would."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

_ROOT = Path(__file__).parents[2]
_DEADLINE_SECONDS = 90.0


class Reply(msgspec.Struct, frozen=True):
    """What one command said."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return its standard output, read as JSON."""
        return json.loads(self.out)


class Console:
    """The command line with a fleet, and a state folder of its own."""

    def __init__(self, kubeconfig: Path, fleet_file: Path, state: Path) -> None:
        self.environment: Mapping[str, str] = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "KUBECONFIG": str(kubeconfig),
            "SHIFU_FLEET": str(fleet_file),
            "XDG_STATE_HOME": str(state / "state"),
            "XDG_DATA_HOME": str(state / "data"),
            "XDG_CONFIG_HOME": str(state / "config"),
        }

    async def __call__(self, *words: str) -> Reply:
        """Run one command to its end."""
        process = await self.start("-m", "console", *words)
        async with asyncio.timeout(_DEADLINE_SECONDS):
            out, err = await process.communicate()
        return Reply(process.returncode or 0, out.decode(), err.decode())

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        """Start Python on something and return at once."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *words,
            cwd=_ROOT,
            env=dict(self.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
