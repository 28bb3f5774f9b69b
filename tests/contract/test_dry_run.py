"""Dry runs: everything is checked, nothing is kept."""

from tests.contract import objects
from tests.contract.client import MERGE_PATCH, Space

SCALING = "autoscaling/v2"


async def test_a_dry_creation_leaves_nothing(space: Space) -> None:
    body = objects.config_map("one")
    path = space.path("configmaps")
    found = await space.api.post(path, body, dryRun="All")
    assert (found.status, found.body["metadata"]["name"]) == (201, "one")
    assert found.body["metadata"]["uid"]
    assert (await space.api.get(space.path("configmaps", "one"))).status == 404


async def test_a_dry_patch_shows_the_result_and_keeps_the_old(space: Space) -> None:
    made = await space.create("configmaps", objects.config_map("one", a="1"))
    path = space.path("configmaps", "one")
    found = await space.api.patch(path, {"data": {"a": "2"}}, MERGE_PATCH, dryRun="All")
    assert (found.status, found.body["data"]) == (200, {"a": "2"})
    assert found.revision == made.revision
    assert (await space.api.get(path)).body["data"] == {"a": "1"}


async def test_a_dry_apply_meets_the_same_conflicts(space: Space) -> None:
    path = space.path("horizontalpodautoscalers", "h", group=SCALING)
    await space.api.apply(path, objects.hpa("h", 2, 6), "owner")
    body = {**objects.hpa("h", 1, 1), "spec": {"maxReplicas": 9}}
    refused = await space.api.apply(path, body, "other", dryRun="All")
    assert (refused.status, refused.reason) == (409, "Conflict")
    forced = await space.api.apply(path, body, "other", dryRun="All", force="true")
    assert (forced.status, forced.body["spec"]["maxReplicas"]) == (200, 9)
    assert (await space.api.get(path)).body["spec"]["maxReplicas"] == 6


async def test_a_dry_write_is_validated(space: Space) -> None:
    await space.create("horizontalpodautoscalers", objects.hpa("h", 2, 6), group=SCALING)
    path = space.path("horizontalpodautoscalers", "h", group=SCALING)
    found = await space.api.patch(path, {"spec": {"maxReplicas": 1}}, MERGE_PATCH, dryRun="All")
    assert (found.status, found.reason) == (422, "Invalid")


async def test_a_dry_deletion_deletes_nothing(space: Space) -> None:
    await space.create("configmaps", objects.config_map("one"))
    path = space.path("configmaps", "one")
    assert (await space.api.delete(path, dryRun="All")).status == 200
    assert (await space.api.get(path)).status == 200


async def test_a_dry_run_of_another_kind_is_invalid(space: Space) -> None:
    found = await space.api.post(space.path("configmaps"), objects.config_map("one"), dryRun="Some")
    assert (found.status, found.reason) == (422, "Invalid")
