"""What a person feels: the first paint, a key in a large live table, and the price of idleness.

The first paint is taken from a pseudo-terminal. Keys go through the application's own driver, and
a key is answered when the update that shows the moved cursor has been rendered for the terminal.
"""

import asyncio
import os
import pty
import random
import select
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from textual import events
from textual._compositor import CompositorUpdate
from textual.app import App, ComposeResult
from textual.widgets import DataTable

from console.record import Key
from console.resources.shapes import Pod
from console.store import Store
from screens.app import ShifuApp
from screens.table import TableScreen
from screens.widgets.rows import Entry
from tests.bench.figure import Figure
from tests.screens.demo_fleet import KINDS, pods
from tests.screens.fake import CLUSTERS, Bench, live, put

_ROWS = 50_000
_EVENTS_A_SECOND = 2_000
_SIZE = (160, 50)
_PAINTS = 7
_KEYS_SECONDS = 10.0
_QUIET_SECONDS = 10.0
_EMPTY = """
from textual.app import App
from textual.widgets import Label
class Empty(App):
    def compose(self):
        yield Label("Fleet")
Empty().run()
"""
_KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: one, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: one, context: {cluster: one, user: one}}]
users: [{name: one, user: {token: none}}]
"""


async def measure() -> list[Figure]:
    """Measure all of it, ours and the peer's in turn."""
    ours, empty = await asyncio.to_thread(_first_paints)
    live_keys, live_cpu, idle_cpu = await _our_table()
    theirs = await _data_table()
    return [
        Figure(
            name="first paint",
            unit="ms",
            ours=ours * 1000,
            peer="empty Textual app",
            theirs=empty * 1000,
            budget="≤ 300 ms",
        ),
        Figure(
            name="key p99, 50,000 rows, 2,000 events/s",
            unit="ms",
            ours=live_keys * 1000,
            peer="DataTable",
            theirs=theirs * 1000,
            budget="≤ 35 ms",
        ),
        Figure(
            name="screen's CPU at 2,000 events/s",
            unit="%",
            ours=live_cpu * 100,
            budget="≤ 15 % with the links",
        ),
        Figure(
            name="screen's CPU when idle, 50,000 rows",
            unit="%",
            ours=idle_cpu * 100,
            budget="≤ 1 %",
        ),
    ]


# -- first paint ---------------------------------------------------------------------------


def _first_paints() -> tuple[float, float]:
    """Return the median of both, taken in turn so that both meet the same noise."""
    with TemporaryDirectory() as folder:
        kubeconfig = Path(folder) / "kubeconfig"
        kubeconfig.write_text(_KUBECONFIG)
        environ = os.environ | {
            "KUBECONFIG": str(kubeconfig),
            "XDG_CONFIG_HOME": folder,
            "XDG_STATE_HOME": folder,
            "TERM": "xterm-256color",
        }
        pairs = [
            (
                _first_paint([sys.executable, "-m", "console"], environ),
                _first_paint([sys.executable, "-c", _EMPTY], environ),
            )
            for _ in range(_PAINTS)
        ]
    return statistics.median(pair[0] for pair in pairs), statistics.median(p[1] for p in pairs)


def _first_paint(command: list[str], environ: dict[str, str]) -> float:
    """Return the seconds from the start of a process to its first words on the terminal."""
    ours, theirs = pty.openpty()
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ, start_new_session=True
    )
    os.close(theirs)
    try:
        seen = b""
        while b"Fleet" not in seen:
            ready, _, _ = select.select([ours], [], [], 30)
            if not ready:
                raise TimeoutError(f"{command}: nothing was painted: {seen[-500:]!r}")
            seen += os.read(ours, 65536)
        return time.perf_counter() - began
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(ours)


# -- keys ----------------------------------------------------------------------------------


async def _p99(app: App[Any], place: Callable[[], int], seconds: float) -> float:
    """Press keys for a while, as a person in a hurry; return the 99th percentile."""
    answered = asyncio.Event()
    real = app._display
    before = place()
    waits: list[float] = []

    def display(screen: Any, renderable: Any) -> None:
        real(screen, renderable)
        if isinstance(renderable, CompositorUpdate):
            renderable.render_segments(app.console)  # a headless driver leaves this out
        if place() != before:
            answered.set()

    app._display = display  # type: ignore[method-assign]
    driver = app._driver
    assert driver is not None
    presses = ["down"] * 20 + ["pagedown"] * 3 + ["up"] * 10
    end = time.perf_counter() + seconds
    turn = 0
    while time.perf_counter() < end:
        answered.clear()
        before = place()
        began = time.perf_counter()
        driver.send_message(events.Key(presses[turn % len(presses)], None))
        await asyncio.wait_for(answered.wait(), 30)
        waits.append(time.perf_counter() - began)
        turn += 1
        await asyncio.sleep(random.uniform(0.01, 0.06))
    app._display = real  # type: ignore[method-assign]
    return statistics.quantiles(waits, n=100)[98]


@asynccontextmanager
async def _events(change: Callable[[], None]) -> AsyncIterator[None]:
    """Let changes happen while the block runs."""

    async def churn() -> None:
        began, done = time.perf_counter(), 0
        while True:
            due = int((time.perf_counter() - began) * _EVENTS_A_SECOND) - done
            for _ in range(min(due, 200)):
                change()
            done += due
            await asyncio.sleep(0.01)

    task = asyncio.create_task(churn())
    try:
        yield
    finally:
        task.cancel()


async def _cpu(seconds: float) -> float:
    """Return the share of a core this process uses while it waits."""
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.sleep(seconds)
    return (time.process_time() - cpu) / (time.perf_counter() - wall)


def _fill(store: Store) -> None:
    aliases = [cluster.alias for cluster in CLUSTERS]
    for alias in aliases:
        put(store, pods(alias, _ROWS // len(aliases)))
    live(store, KINDS, aliases)


def _change(store: Store, rows: list[Entry]) -> None:
    _, cluster, namespace, name = random.choice(rows)
    record = store.snapshot.get(Key(cluster, "pod", namespace, name))
    assert isinstance(record, Pod)
    bad = random.random() < 0.1
    store.upsert(
        msgspec.structs.replace(
            record,
            restarts=record.restarts + 1,
            status="CrashLoopBackOff" if bad else "Running",
            ready=0 if bad else 1,
            is_ready=not bad,
        )
    )


async def _our_table() -> tuple[float, float, float]:
    """Return key p99 and CPU while rows change, and CPU when nothing does."""
    bench = Bench(_fill)
    app = ShifuApp(bench.session, opener=bench.open)
    async with app.run_test(size=_SIZE) as pilot:
        while app.fleet is None:
            await pilot.pause(0.05)
        app.command("pods")
        while not (
            isinstance(app.screen, TableScreen)
            and app.screen.is_mounted
            and len(app.screen.table.rows) == _ROWS
        ):
            await pilot.pause(0.05)
        table = app.screen.table
        rows = table.rows.entries  # plain values: nothing of the bench for the collector to visit
        async with _events(lambda: _change(app.store, rows)):
            p99 = await _p99(app, lambda: table.cursor, _KEYS_SECONDS)
            live_cpu = await _cpu(_QUIET_SECONDS)
        await pilot.pause(2.0)
        return p99, live_cpu, await _cpu(_QUIET_SECONDS)


class _Peer(App[None]):
    """Textual's own table with as many rows."""

    def compose(self) -> ComposeResult:
        yield DataTable[str](cursor_type="row")


async def _data_table() -> float:
    """Return the key p99 of a DataTable with the same number of rows and changes."""
    app = _Peer()
    async with app.run_test(size=_SIZE) as pilot:
        table: DataTable[str] = app.query_one(DataTable)
        columns = [table.add_column(name) for name in ("Cluster", "Name", "Ready", "State", "Node")]
        rows = [
            table.add_row("cluster", f"ai-shifu-api-6b7d9c-{at:05}", "1/1", "Running", "node")
            for at in range(_ROWS)
        ]
        await pilot.pause(1.0)

        def change() -> None:
            row = random.choice(rows)
            table.update_cell(row, columns[3], random.choice(("Running", "CrashLoopBackOff")))
            table.update_cell(row, columns[2], random.choice(("0/1", "1/1")))

        async with _events(change):
            return await _p99(app, lambda: table.cursor_row, _KEYS_SECONDS)
