"""Fleets on fake API servers, at a pace that tests can wait for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec

from console.clock import Clock, SystemClock
from console.config import Cluster, Settings
from console.fleet import Fleet
from console.inventory import Inventory
from console.links.kube.credentials import Credentials
from console.links.kube.http import Connection
from console.links.kube.kubeconfig import KubeEntry, KubeUser
from console.links.retry import Pace
from console.record import Record
from console.store import Source, Store

QUICK = Pace(
    probe_every=0.05,
    probe_deadline=5.0,
    connect_deadline=5.0,
    silence=0.3,
    first_pause=0.01,
    longest_pause=0.05,
    first_auth_pause=0.02,
    longest_auth_pause=0.05,
    refused_pause=0.05,
    warm=0.1,
    slot_lapse=0.1,
)
USER = KubeUser(name="sre", token="t0ken-of-the-test")


def cluster(url: str, alias: str = "one", *, user: KubeUser = USER, **more: Any) -> Cluster:
    """Return a cluster whose API server is at `url`; `more` goes to its entry."""
    own = {name: more.pop(name) for name in ("role", "read_only") if name in more}
    entry = KubeEntry(context=alias, cluster=alias, server=url, user=user, **more)
    return Cluster(alias=alias, context=alias, server=url, entry=entry, **own)


def connection(url: str, *, pace: Pace = QUICK, timeout: float = 10.0, **more: Any) -> Connection:
    """Return a connection to the API server at `url`."""
    found = cluster(url, **more)
    clock = SystemClock()
    return Connection(
        found, Credentials(found.entry, clock), clock, pace=pace, request_timeout=timeout
    )


def fleet_of(
    *clusters: Cluster,
    pace: Pace = QUICK,
    timeout: float = 10.0,
    clock: Clock | None = None,
    **more: Any,
) -> Fleet:
    """Return a fleet that nobody runs yet."""
    clock = clock or SystemClock()
    inventory = Inventory(clusters=clusters, settings=Settings())
    return Fleet(inventory, Store(clock), clock, request_timeout=timeout, pace=pace, **more)


@asynccontextmanager
async def running(*clusters: Cluster, **more: Any) -> AsyncIterator[Fleet]:
    """Run a fleet for the length of a block."""
    fleet = fleet_of(*clusters, **more)
    task = asyncio.ensure_future(fleet.run())
    try:
        yield fleet
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await fleet.close()


async def eventually(holds: Callable[[], Any], what: str = "", seconds: float = 20.0) -> Any:
    """Wait until something holds, and return it."""
    try:
        async with asyncio.timeout(seconds):
            while not (found := holds()):  # noqa: ASYNC110  it waits for any state at all
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"never came to hold: {what or holds}") from None
    return found


def source(fleet: Fleet, kind: str, alias: str = "one") -> Source:
    """Return how a kind fares; waiting when nobody has begun to read it."""
    waiting = Source(cluster=alias, kind=kind, method="none")
    return fleet.look.source(alias, kind) or waiting


def names(fleet: Fleet, kind: str = "pod", alias: str = "one") -> set[str]:
    """Return the names of the records of a kind."""
    return {record.key.name for record in fleet.look.rows(kind, {alias})}


def records(fleet: Fleet, kind: str = "pod") -> dict[str, Record]:
    return {record.key.name: record for record in fleet.look.rows(kind)}


def paced(**changes: float) -> Pace:
    """Return the quick pace with some times changed."""
    return msgspec.structs.replace(QUICK, **changes)
