"""Starts the load generator and the readers, each a process of its own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from tests.bench.messages import Load, Ready, Took


@asynccontextmanager
async def serving(load: Load) -> AsyncIterator[Ready]:
    """Serve a load for the length of a block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.load",
        msgspec.json.encode(load).decode(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = await process.stdout.readline()
        yield msgspec.json.decode(line, type=Ready)
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


async def read(name: str, ready: Ready, **environ: str) -> Took:
    """Run a reader and return what it took."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.reader",
        name,
        msgspec.json.encode(ready).decode(),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | environ,
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{name} ended with {process.returncode}")
    return msgspec.json.decode(output, type=Took)
