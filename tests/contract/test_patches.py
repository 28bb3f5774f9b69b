"""The patches that carry values."""

from typing import Any

import pytest

from tests.contract import objects
from tests.contract.client import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, Space

APPS = "apps/v1"


async def test_a_merge_patch_sets_and_removes(space: Space) -> None:
    await space.create("configmaps", objects.config_map("one", a="1", b="2"))
    patch = {"data": {"a": None, "c": "3"}}
    found = await space.api.patch(space.path("configmaps", "one"), patch, MERGE_PATCH)
    assert (found.status, found.body["data"]) == (200, {"b": "2", "c": "3"})


async def test_a_json_patch_runs_in_order(space: Space) -> None:
    await space.create("configmaps", objects.config_map("one", a="1"))
    patch = [
        {"op": "test", "path": "/data/a", "value": "1"},
        {"op": "copy", "from": "/data/a", "path": "/data/b"},
        {"op": "move", "from": "/data/a", "path": "/data/c"},
        {"op": "add", "path": "/metadata/labels", "value": {"x/y": "1", "z": "1"}},
        {"op": "replace", "path": "/metadata/labels/x~1y", "value": "2"},
        {"op": "remove", "path": "/metadata/labels/z"},
    ]
    found = await space.api.patch(space.path("configmaps", "one"), patch, JSON_PATCH)
    assert (found.status, found.body["data"]) == (200, {"b": "1", "c": "1"})
    assert found.body["metadata"]["labels"] == {"x/y": "2"}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/data/a", "value": "2"},
        {"op": "remove", "path": "/data/absent"},
        {"op": "replace", "path": "/absent/deeper", "value": "2"},
    ],
)
async def test_a_json_patch_that_does_not_fit_changes_nothing(
    space: Space, operation: dict[str, str]
) -> None:
    made = await space.create("configmaps", objects.config_map("one", a="1"))
    path = space.path("configmaps", "one")
    patch = [{"op": "add", "path": "/data/b", "value": "2"}, operation]
    found = await space.api.patch(path, patch, JSON_PATCH)
    assert (found.status, found.reason) == (422, "Invalid")
    assert found.message == "the server rejected our request due to an error in our request"
    assert (await space.api.get(path)).revision == made.revision


async def test_a_strategic_patch_merges_containers_by_name(space: Space) -> None:
    await space.create("deployments", objects.deployment("d"), group=APPS)
    path = space.path("deployments", "d", group=APPS)
    more = {"name": "side", "image": "registry.invalid/side:1"}
    env = {"name": "main", "env": [{"name": "A", "value": "1"}]}
    found = await space.api.patch(path, pod_spec(containers=[more, env]), STRATEGIC_PATCH)
    containers = {one["name"]: one for one in spec_of(found.body)["containers"]}
    assert containers.keys() == {"main", "side"}
    assert containers["main"]["image"] == "registry.invalid/none:1"
    assert containers["main"]["env"] == [{"name": "A", "value": "1"}]

    gone = {"name": "side", "$patch": "delete"}
    found = await space.api.patch(path, pod_spec(containers=[gone]), STRATEGIC_PATCH)
    assert [one["name"] for one in spec_of(found.body)["containers"]] == ["main"]


async def test_a_strategic_patch_can_replace_a_map(space: Space) -> None:
    await space.create("deployments", objects.deployment("d"), group=APPS)
    path = space.path("deployments", "d", group=APPS)
    patch = pod_spec(nodeSelector={"$patch": "replace", "role": "none"})
    found = await space.api.patch(path, patch, STRATEGIC_PATCH)
    assert spec_of(found.body)["nodeSelector"] == {"role": "none"}


async def test_a_merge_patch_replaces_lists(space: Space) -> None:
    await space.create("deployments", objects.deployment("d"), group=APPS)
    path = space.path("deployments", "d", group=APPS)
    more = {"name": "side", "image": "registry.invalid/side:1"}
    found = await space.api.patch(path, pod_spec(containers=[more]), MERGE_PATCH)
    assert [one["name"] for one in spec_of(found.body)["containers"]] == ["side"]


@pytest.mark.parametrize("media", [MERGE_PATCH, STRATEGIC_PATCH])
async def test_a_patch_with_an_older_version_conflicts(space: Space, media: str) -> None:
    made = await space.create("configmaps", objects.config_map("one"))
    path = space.path("configmaps", "one")
    await space.api.patch(path, {"data": {"a": "1"}}, media)
    stale = {"metadata": {"resourceVersion": made.revision}, "data": {"a": "2"}}
    found = await space.api.patch(path, stale, media)
    assert (found.status, found.reason) == (409, "Conflict")


async def test_a_patch_of_an_unknown_kind_is_refused_by_media_type(space: Space) -> None:
    await space.create("configmaps", objects.config_map("one"))
    found = await space.api.patch(space.path("configmaps", "one"), {}, "application/json")
    assert (found.status, found.reason) == (415, "UnsupportedMediaType")


async def test_a_patch_of_a_missing_object_is_not_found(space: Space) -> None:
    found = await space.api.patch(space.path("configmaps", "absent"), {}, MERGE_PATCH)
    assert (found.status, found.reason) == (404, "NotFound")


async def test_force_belongs_to_apply(space: Space) -> None:
    await space.create("configmaps", objects.config_map("one"))
    found = await space.api.patch(
        space.path("configmaps", "one"), {"data": {"a": "1"}}, MERGE_PATCH, force="true"
    )
    assert (found.status, found.reason) == (422, "Invalid")


def pod_spec(**spec: object) -> dict[str, object]:
    return {"spec": {"template": {"spec": spec}}}


def spec_of(body: Any) -> Any:
    return body["spec"]["template"]["spec"]
