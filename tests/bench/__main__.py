"""`python -m tests.bench [NAME...]`: runs every bench_*.py here and prints one table.

A module with `async def measure() -> list[Figure]` is a benchmark; NAME chooses by its file name.
"""

import asyncio
import importlib
import os
import pkgutil
import platform
import sys
import time

from tests import bench
from tests.bench.figure import Figure, table


def _modules(wanted: list[str]) -> list[str]:
    found = sorted(module.name for module in pkgutil.iter_modules(bench.__path__))
    names = [name for name in found if name.startswith("bench_")]
    return [name for name in names if not wanted or any(part in name for part in wanted)]


def main() -> None:
    """Measure and print."""
    figures: list[Figure] = []
    for name in _modules(sys.argv[1:]):
        started = time.monotonic()
        print(f"{name} ...", file=sys.stderr, flush=True)
        module = importlib.import_module(f"tests.bench.{name}")
        found = asyncio.run(module.measure())
        figures += found
        took = time.monotonic() - started
        print(f"{table(found)}\n({took:.0f} s)\n", file=sys.stderr, flush=True)
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(f"Python {platform.python_version()}, {cores} cores, load average {load:.1f}\n")
    print(table(figures))


if __name__ == "__main__":
    main()
