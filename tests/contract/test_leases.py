"""Leases: what a lock needs."""

from tests.contract import objects
from tests.contract.client import Space

LEASES = "coordination.k8s.io/v1"


async def test_only_one_can_create_a_lease(space: Space) -> None:
    await space.create("leases", objects.lease("lock", "me"), group=LEASES)
    found = await space.api.post(space.path("leases", group=LEASES), objects.lease("lock", "you"))
    assert (found.status, found.reason) == (409, "AlreadyExists")
    assert found.message == 'leases.coordination.k8s.io "lock" already exists'


async def test_a_renewal_needs_the_version_that_was_read(space: Space) -> None:
    path = space.path("leases", "lock", group=LEASES)
    made = (await space.create("leases", objects.lease("lock", "me"), group=LEASES)).body
    mine = {**made, "spec": {**made["spec"], "renewTime": "2026-01-01T00:00:00.000001Z"}}
    renewed = await space.api.put(path, mine)
    assert renewed.status == 200
    assert renewed.body["spec"]["renewTime"] == "2026-01-01T00:00:00.000001Z"
    stolen = {**made, "spec": {**made["spec"], "holderIdentity": "you", "leaseTransitions": 1}}
    late = await space.api.put(path, stolen)
    assert (late.status, late.reason) == (409, "Conflict")


async def test_a_renewal_without_a_version_is_invalid(space: Space) -> None:
    await space.create("leases", objects.lease("lock", "me"), group=LEASES)
    found = await space.api.put(
        space.path("leases", "lock", group=LEASES), objects.lease("lock", "you")
    )
    assert (found.status, found.reason) == (422, "Invalid")
    assert found.body["details"]["causes"][0]["field"] == "metadata.resourceVersion"


async def test_a_release_empties_the_holder(space: Space) -> None:
    made = (await space.create("leases", objects.lease("lock", "me"), group=LEASES)).body
    free = {**made, "spec": {**made["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}}
    found = await space.api.put(space.path("leases", "lock", group=LEASES), free)
    assert found.status == 200
    assert not found.body["spec"].get("holderIdentity")


async def test_a_lease_of_no_duration_is_invalid(space: Space) -> None:
    body = objects.lease("lock", "me", leaseDurationSeconds=0)
    found = await space.api.post(space.path("leases", group=LEASES), body)
    assert (found.status, found.reason) == (422, "Invalid")
    assert found.body["details"]["causes"][0]["field"] == "spec.leaseDurationSeconds"
