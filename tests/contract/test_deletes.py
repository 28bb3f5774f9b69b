"""Deleting: preconditions, finalizers, owners, namespaces."""

import pytest

from tests.contract import objects
from tests.contract.client import MERGE_PATCH, Answer, Space


def gone(answer: Answer) -> bool:
    return answer.status == 404


async def test_a_deletion_says_what_it_deleted(space: Space) -> None:
    made = await space.create("configmaps", objects.config_map("one"))
    path = space.path("configmaps", "one")
    found = await space.api.delete(path)
    assert (found.status, found.body["kind"], found.body["status"]) == (200, "Status", "Success")
    uid = made.body["metadata"]["uid"]
    assert found.body["details"] == {"name": "one", "kind": "configmaps", "uid": uid}
    assert gone(await space.api.get(path))
    assert gone(await space.api.delete(path))


@pytest.mark.parametrize("name", ["uid", "resourceVersion"])
async def test_a_precondition_that_fails_keeps_the_object(space: Space, name: str) -> None:
    await space.create("configmaps", objects.config_map("one"))
    path = space.path("configmaps", "one")
    wrong = {"uid": "00000000-0000-0000-0000-000000000000", "resourceVersion": "1"}[name]
    found = await space.api.delete(path, options(preconditions={name: wrong}))
    assert (found.status, found.reason) == (409, "Conflict")
    assert "in the precondition (" in found.message
    assert not gone(await space.api.get(path))


async def test_a_precondition_that_holds_deletes(space: Space) -> None:
    made = await space.create("configmaps", objects.config_map("one"))
    path = space.path("configmaps", "one")
    holds = {"uid": made.body["metadata"]["uid"], "resourceVersion": made.revision}
    assert (await space.api.delete(path, options(preconditions=holds))).status == 200
    assert gone(await space.api.get(path))


async def test_a_finalizer_keeps_a_deleted_object_until_it_goes(space: Space) -> None:
    body = objects.config_map("one")
    body["metadata"]["finalizers"] = ["contract.example/hold"]
    await space.create("configmaps", body)
    path = space.path("configmaps", "one")
    found = await space.api.delete(path)
    assert found.body["kind"] == "ConfigMap"
    assert found.body["metadata"]["deletionTimestamp"]
    assert not gone(await space.api.get(path))
    await space.api.patch(path, {"metadata": {"finalizers": None}}, MERGE_PATCH)
    assert gone(await space.api.get(path))


async def test_a_pod_without_a_node_goes_at_once(space: Space) -> None:
    await space.create("pods", objects.pod("one"))
    path = space.path("pods", "one")
    assert (await space.api.delete(path)).body["kind"] == "Pod"
    assert gone(await space.api.get(path))


async def test_a_collection_is_deleted_by_its_selector(space: Space) -> None:
    for name, value in (("one", "a"), ("two", "a"), ("three", "b")):
        await space.create("configmaps", objects.config_map(name, labels={"l": value}))
    path = space.path("configmaps")
    found = await space.api.delete(path, labelSelector="l=a")
    assert found.status == 200
    assert (await space.api.get(path, labelSelector="l")).names == ["three"]


async def owner_and_owned(space: Space) -> None:
    owner = (await space.create("configmaps", objects.config_map("owner"))).body["metadata"]
    body = objects.config_map("owned")
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["uid"]}
    body["metadata"]["ownerReferences"] = [{**reference, "blockOwnerDeletion": True}]
    await space.create("configmaps", body)


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
async def test_what_was_owned_goes_with_its_owner(space: Space, policy: str) -> None:
    await owner_and_owned(space)
    await space.api.delete(space.path("configmaps", "owner"), options(propagationPolicy=policy))
    await space.api.eventually(space.path("configmaps", "owned"), gone)
    await space.api.eventually(space.path("configmaps", "owner"), gone)


async def test_an_orphan_stays_without_its_owner(space: Space) -> None:
    await owner_and_owned(space)
    await space.api.delete(space.path("configmaps", "owner"), options(propagationPolicy="Orphan"))
    await space.api.eventually(space.path("configmaps", "owner"), gone)
    left = await space.api.get(space.path("configmaps", "owned"))
    assert left.status == 200
    assert "ownerReferences" not in left.body["metadata"]


async def test_an_unknown_propagation_is_invalid(space: Space) -> None:
    await space.create("configmaps", objects.config_map("one"))
    found = await space.api.delete(
        space.path("configmaps", "one"), options(propagationPolicy="Sideways")
    )
    assert (found.status, found.reason) == (422, "Invalid")


async def test_a_namespace_ends_with_everything_in_it(space: Space) -> None:
    body = objects.config_map("one")
    body["metadata"]["finalizers"] = ["contract.example/hold"]
    await space.create("configmaps", body)
    home = f"/api/v1/namespaces/{space.name}"
    found = await space.api.delete(home)
    assert found.body["status"]["phase"] == "Terminating"
    late = await space.api.post(space.path("configmaps"), objects.config_map("late"))
    assert (late.status, late.reason) == (403, "Forbidden")
    causes = [cause["reason"] for cause in late.body["details"]["causes"]]
    assert causes == ["NamespaceTerminating"]
    held = space.path("configmaps", "one")
    await space.api.eventually(held, lambda answer: "deletionTimestamp" in answer.body["metadata"])
    await space.api.patch(held, {"metadata": {"finalizers": None}}, MERGE_PATCH)
    await space.api.eventually(home, gone, seconds=40)


def options(**more: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "DeleteOptions", **more}
