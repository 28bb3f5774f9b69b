"""Locks: one winner, skew-safe expiry, and a holder who knows when it has lost."""

import asyncio
from typing import Any

import pytest

from actions.lock import DURATION, Lock, lease_name
from actions.owner import Owner, holder_is_dead, this_process
from console.errors import ConflictError, LockedError, NotFoundError, UnreachableError
from tests.actions.fakes import FakeCluster, FastClock, management_cluster


def owner(name: str) -> Owner:
    """Return somebody on another machine, of whom only the Lease tells."""
    return Owner(user=name, host="desk", machine="", pid=1, started="", token=name)


def lock(cluster: FakeCluster, name: str, clock: FastClock | None = None) -> Lock:
    return Lock(
        cluster,
        "tenant/acme",
        owner(name),
        clock or FastClock(),
        notes={"action": "scale-tenant"},
        place="mgmt",
    )


def lease(cluster: FakeCluster) -> dict[str, Any]:
    return cluster.find("leases", "shifu-ops", "tenant-acme")


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("tenant/acme", "tenant-acme"),
        ("Node Group/A_b", "node-group-a-b"),
        ("/x/", "x"),
    ],
)
def test_a_key_becomes_a_legal_name(key: str, name: str) -> None:
    assert lease_name(key) == name


@pytest.mark.parametrize("number", range(50))
async def test_of_two_that_race_exactly_one_wins(number: int) -> None:
    cluster = management_cluster()
    if number % 2:
        first = lock(cluster, "before")
        await first.acquire()
        await first.release()
    racers = [lock(cluster, "ann"), lock(cluster, "bob")]
    results = await asyncio.gather(*(one.acquire() for one in racers), return_exceptions=True)
    lost = [result for result in results if result is not None]
    assert len(lost) == 1
    assert isinstance(lost[0], LockedError)
    assert [one.is_valid for one in racers].count(True) == 1


async def test_a_holder_that_renews_is_named_with_its_step() -> None:
    cluster = management_cluster()
    held = lock(cluster, "ann")
    await held.acquire()
    held.step = "bounds"
    await held.renew()
    with pytest.raises(LockedError, match=r"ann@desk since .* \(scale-tenant, step bounds"):
        await lock(cluster, "bob").acquire()


async def test_an_old_renew_time_is_watched_for_a_whole_duration_before_it_is_taken() -> None:
    cluster, clock = management_cluster(), FastClock()
    await lock(cluster, "ann", clock).acquire()
    lease(cluster)["spec"]["renewTime"] = "2020-01-01T00:00:00.000000Z"
    began = clock.monotonic()
    taker = lock(cluster, "bob", clock)
    await taker.acquire()
    assert clock.monotonic() - began >= DURATION
    assert lease(cluster)["spec"]["leaseTransitions"] == 1
    assert taker.is_valid


async def test_a_sign_of_life_during_the_watch_keeps_the_lock() -> None:
    cluster, clock = management_cluster(), FastClock()
    held = lock(cluster, "ann", clock)
    await held.acquire()
    lease(cluster)["spec"]["renewTime"] = "2020-01-01T00:00:00.000000Z"
    taking = asyncio.create_task(lock(cluster, "bob", clock).acquire())
    await asyncio.sleep(0.01)
    lease(cluster)["metadata"]["resourceVersion"] = "renewed"
    with pytest.raises(LockedError):
        await taking


async def test_a_dead_process_of_this_machine_is_not_waited_for() -> None:
    cluster, clock = management_cluster(), FastClock()
    us = this_process()
    dead = Owner(
        user="ann", host=us.host, machine=us.machine, pid=us.pid, started="1", token="dead"
    )
    await Lock(cluster, "tenant/acme", dead, clock, notes={}).acquire()
    assert holder_is_dead(dead.identity)
    assert not holder_is_dead(us.identity)
    taker = lock(cluster, "bob", clock)
    await taker.acquire()
    assert taker.is_valid


async def test_a_lock_that_was_taken_is_known_as_lost() -> None:
    cluster = management_cluster()
    held = lock(cluster, "ann")
    await held.acquire()
    lease(cluster)["spec"]["holderIdentity"] = owner("bob").identity
    lease(cluster)["metadata"]["resourceVersion"] = "bobs"
    with pytest.raises(LockedError):
        await held.renew()
    assert not held.is_valid


async def test_somebody_elses_note_on_the_lease_does_not_lose_it() -> None:
    cluster = management_cluster()
    held = lock(cluster, "ann")
    await held.acquire()
    lease(cluster)["metadata"]["resourceVersion"] = "annotated"
    await held.renew()
    assert held.is_valid


async def test_a_machine_that_slept_does_not_trust_its_lock() -> None:
    cluster, clock = management_cluster(), FastClock()
    held = lock(cluster, "ann", clock)
    await held.acquire()
    clock.ahead += 3600
    assert not held.is_valid


async def test_a_failed_renewal_is_told_and_a_failed_release_is_not() -> None:
    cluster = management_cluster()
    held = lock(cluster, "ann")
    await held.acquire()
    cluster.broken = UnreachableError("down")
    with pytest.raises(UnreachableError):
        await held.renew()
    await held.release()
    assert not held.is_valid


async def test_without_its_namespace_a_lock_says_how_to_make_it() -> None:
    cluster = FakeCluster("mgmt")
    with pytest.raises(NotFoundError, match="kubectl --context mgmt create namespace shifu-ops"):
        await lock(cluster, "ann").acquire()


async def test_a_lost_race_for_a_free_lease_is_a_held_lock() -> None:
    cluster = management_cluster()
    first = lock(cluster, "ann")
    await first.acquire()
    await first.release()

    def bob_is_faster(_verb: str, _ref: object) -> None:
        cluster.before_write = lambda _verb, _ref: None
        lease(cluster)["spec"]["holderIdentity"] = owner("bob").identity
        raise ConflictError("modified", status=409)

    cluster.before_write = bob_is_faster
    with pytest.raises(LockedError, match="bob@desk"):
        await lock(cluster, "cleo").acquire()
