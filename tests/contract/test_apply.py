"""Server-side apply: ownership, conflicts, force, removal."""

from typing import Any

from tests.contract import objects
from tests.contract.client import MERGE_PATCH, Answer, Space

APPS, SCALING = "apps/v1", "autoscaling/v2"


def bounds(**spec: int) -> dict[str, Any]:
    body = objects.hpa("h", 1, 1)
    return {**body, "spec": spec}


async def autoscaler(space: Space, manager: str = "owner") -> str:
    path = space.path("horizontalpodautoscalers", "h", group=SCALING)
    made = await space.api.apply(path, objects.hpa("h", 2, 6), manager)
    assert made.status == 201, made.body
    return path


def managers(answer: Answer) -> dict[str, Any]:
    return {one["manager"]: one for one in answer.body["metadata"]["managedFields"]}


async def test_applying_creates_and_records_what_is_owned(space: Space) -> None:
    path = space.path("configmaps", "one")
    made = await space.api.apply(path, objects.config_map("one", a="1"), "me")
    assert made.status == 201
    (entry,) = made.body["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("me", "Apply")
    assert entry["fieldsV1"] == {"f:data": {"f:a": {}}}


async def test_applying_the_same_again_changes_nothing(space: Space) -> None:
    path = space.path("configmaps", "one")
    body = objects.config_map("one", labels={"l": "1"}, a="1")
    made = await space.api.apply(path, body, "me")
    again = await space.api.apply(path, body, "me")
    assert (again.status, again.revision) == (200, made.revision)


async def test_a_field_of_another_applier_conflicts(space: Space) -> None:
    path = await autoscaler(space)
    found = await space.api.apply(path, bounds(maxReplicas=9), "other")
    assert (found.status, found.reason) == (409, "Conflict")
    assert found.message == (
        'Apply failed with 1 conflict: conflict with "owner": .spec.maxReplicas'
    )
    assert found.body["details"]["causes"] == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "owner"',
            "field": ".spec.maxReplicas",
        }
    ]


async def test_a_field_of_an_updater_conflicts_and_says_how_it_wrote(space: Space) -> None:
    path = space.path("horizontalpodautoscalers", "h", group=SCALING)
    await space.create(
        "horizontalpodautoscalers", objects.hpa("h", 2, 6), group=SCALING, fieldManager="editor"
    )
    found = await space.api.apply(path, bounds(minReplicas=3, maxReplicas=9), "other")
    assert (found.status, found.reason) == (409, "Conflict")
    assert found.message == (
        'Apply failed with 2 conflicts: conflicts with "editor" using autoscaling/v2:\n'
        "- .spec.maxReplicas\n- .spec.minReplicas"
    )


async def test_force_takes_the_field(space: Space) -> None:
    path = await autoscaler(space)
    found = await space.api.apply(path, bounds(maxReplicas=9), "other", force="true")
    assert (found.status, found.body["spec"]["maxReplicas"]) == (200, 9)
    assert managers(found)["other"]["fieldsV1"] == {"f:spec": {"f:maxReplicas": {}}}
    assert "f:maxReplicas" not in managers(found)["owner"]["fieldsV1"]["f:spec"]


async def test_the_same_value_is_shared_without_conflict(space: Space) -> None:
    path = await autoscaler(space)
    found = await space.api.apply(path, bounds(maxReplicas=6), "other")
    assert found.status == 200
    assert "f:maxReplicas" in managers(found)["owner"]["fieldsV1"]["f:spec"]
    assert "f:maxReplicas" in managers(found)["other"]["fieldsV1"]["f:spec"]


async def test_a_field_no_longer_applied_is_removed(space: Space) -> None:
    path = space.path("configmaps", "one")
    body = objects.config_map("one", labels={"l": "1", "m": "1"}, a="1", b="2")
    await space.api.apply(path, body, "me")
    found = await space.api.apply(path, objects.config_map("one", labels={"l": "1"}, b="2"), "me")
    assert found.body["data"] == {"b": "2"}
    assert found.body["metadata"]["labels"] == {"l": "1"}


async def test_a_field_that_another_owns_too_stays(space: Space) -> None:
    path = space.path("configmaps", "one")
    await space.api.apply(path, objects.config_map("one", a="1", b="2"), "me")
    await space.api.apply(path, objects.config_map("one", a="1"), "you")
    found = await space.api.apply(path, objects.config_map("one", b="2"), "me")
    assert found.body["data"] == {"a": "1", "b": "2"}


async def test_an_update_takes_the_field_it_changes(space: Space) -> None:
    path = await autoscaler(space)
    found = await space.api.patch(
        path, {"spec": {"maxReplicas": 8}}, MERGE_PATCH, fieldManager="editor"
    )
    assert managers(found)["editor"]["operation"] == "Update"
    assert managers(found)["editor"]["fieldsV1"] == {"f:spec": {"f:maxReplicas": {}}}
    assert "f:maxReplicas" not in managers(found)["owner"]["fieldsV1"]["f:spec"]


async def test_containers_merge_by_name(space: Space) -> None:
    path = space.path("deployments", "d", group=APPS)
    await space.api.apply(path, objects.deployment("d"), "me")
    side = {"name": "side", "image": "registry.invalid/side:1"}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "spec": {"template": {"spec": {"containers": [side]}}},
    }
    found = await space.api.apply(path, body, "you")
    names = [one["name"] for one in found.body["spec"]["template"]["spec"]["containers"]]
    assert sorted(names) == ["main", "side"]
    owned = managers(found)["you"]["fieldsV1"]["f:spec"]["f:template"]["f:spec"]
    assert owned == {"f:containers": {'k:{"name":"side"}': {".": {}, "f:image": {}, "f:name": {}}}}
    del body["spec"]
    body["spec"] = {"template": {"spec": {}}}
    found = await space.api.apply(path, body, "you")
    names = [one["name"] for one in found.body["spec"]["template"]["spec"]["containers"]]
    assert names == ["main"]


async def test_applying_needs_a_manager(space: Space) -> None:
    found = await space.api.patch(
        space.path("configmaps", "one"),
        objects.config_map("one"),
        "application/apply-patch+yaml",
    )
    assert (found.status, found.reason) == (422, "Invalid")
    assert "fieldManager: Required value: is required for apply patch" in found.message


async def test_managed_fields_cannot_be_applied(space: Space) -> None:
    body = objects.config_map("one")
    body["metadata"]["managedFields"] = [
        {"manager": "x", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1"}
    ]
    found = await space.api.apply(space.path("configmaps", "one"), body, "me")
    assert (found.status, found.message) == (400, "metadata.managedFields must be nil")


async def test_an_applied_version_that_is_older_conflicts(space: Space) -> None:
    path = space.path("configmaps", "one")
    made = await space.api.apply(path, objects.config_map("one", a="1"), "me")
    await space.api.apply(path, objects.config_map("one", a="2"), "me")
    body = objects.config_map("one", a="3")
    body["metadata"]["resourceVersion"] = made.revision
    found = await space.api.apply(path, body, "me")
    assert (found.status, found.reason) == (409, "Conflict")


async def test_scaling_is_owned_through_its_subresource(space: Space) -> None:
    await space.create("deployments", objects.deployment("d"), group=APPS, fieldManager="me")
    path = space.path("deployments", "d", group=APPS)
    await space.api.patch(
        f"{path}/scale", {"spec": {"replicas": 1}}, MERGE_PATCH, fieldManager="hand"
    )
    found = managers(await space.api.get(path))
    assert found["hand"]["subresource"] == "scale"
    assert found["hand"]["fieldsV1"] == {"f:spec": {"f:replicas": {}}}
    assert "f:replicas" not in found["me"]["fieldsV1"]["f:spec"]
