"""Creating and updating: what the server adds, keeps and refuses."""

import pytest

from tests.contract import objects
from tests.contract.client import Space

APPS, SCALING, LEASES = "apps/v1", "autoscaling/v2", "coordination.k8s.io/v1"


async def test_a_new_object_gets_its_identity(space: Space) -> None:
    made = (await space.create("deployments", objects.deployment("d"), group=APPS)).body
    meta = made["metadata"]
    assert (made["kind"], made["apiVersion"]) == ("Deployment", "apps/v1")
    assert {"uid", "resourceVersion", "creationTimestamp"} <= meta.keys()
    assert (meta["namespace"], meta["generation"]) == (space.name, 1)


async def test_what_was_left_out_is_filled_in(space: Space) -> None:
    spec = (await space.create("deployments", objects.deployment("d"), group=APPS)).body["spec"]
    assert spec["progressDeadlineSeconds"] == 600
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": "25%"}
    assert spec["template"]["spec"]["restartPolicy"] == "Always"
    assert spec["template"]["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"


async def test_a_name_can_be_generated(space: Space) -> None:
    body = objects.config_map("")
    body["metadata"] = {"generateName": "run-"}
    names = {(await space.create("configmaps", body)).body["metadata"]["name"] for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("run-") and len(name) == 9 for name in names)


async def test_a_taken_name_is_refused(space: Space) -> None:
    body = objects.config_map("one")
    await space.create("configmaps", body)
    again = await space.api.post(space.path("configmaps"), body)
    assert (again.status, again.reason) == (409, "AlreadyExists")
    assert again.message == 'configmaps "one" already exists'
    assert again.body["details"] == {"name": "one", "kind": "configmaps"}


@pytest.mark.parametrize("name", ["Upper", "under_score", "-dash", ""])
async def test_a_bad_name_is_invalid(space: Space, name: str) -> None:
    found = await space.api.post(space.path("configmaps"), objects.config_map(name))
    assert (found.status, found.reason) == (422, "Invalid")
    assert found.body["details"]["causes"][0]["field"] == "metadata.name"


async def test_a_missing_namespace_is_not_found(space: Space) -> None:
    found = await space.api.post(
        "/api/v1/namespaces/contract-absent/configmaps", objects.config_map("one")
    )
    assert (found.status, found.message) == (404, 'namespaces "contract-absent" not found')


async def test_a_body_of_another_kind_is_a_bad_request(space: Space) -> None:
    found = await space.api.post(space.path("configmaps"), objects.pod("one"))
    assert (found.status, found.reason) == (400, "BadRequest")


async def test_a_body_for_another_namespace_is_a_bad_request(space: Space) -> None:
    body = objects.config_map("one")
    body["metadata"]["namespace"] = "default"
    found = await space.api.post(space.path("configmaps"), body)
    assert (found.status, found.reason) == (400, "BadRequest")
    assert "does not match the namespace sent on the request" in found.message


async def test_broken_json_is_a_bad_request(space: Space) -> None:
    found = await space.api.post(space.path("configmaps"), "no object")
    assert found.status == 400


async def test_an_update_of_an_older_version_conflicts(space: Space) -> None:
    made = (await space.create("configmaps", objects.config_map("one"))).body
    path = space.path("configmaps", "one")
    first = await space.api.put(path, {**made, "data": {"a": "1"}})
    assert first.status == 200
    second = await space.api.put(path, {**made, "data": {"a": "2"}})
    assert (second.status, second.reason) == (409, "Conflict")
    assert second.message == (
        'Operation cannot be fulfilled on configmaps "one": the object has been modified;'
        " please apply your changes to the latest version and try again"
    )


async def test_an_update_without_a_version_wins(space: Space) -> None:
    await space.create("configmaps", objects.config_map("one"))
    found = await space.api.put(space.path("configmaps", "one"), objects.config_map("one", a="1"))
    assert (found.status, found.body["data"]) == (200, {"a": "1"})


async def test_an_update_under_another_name_is_a_bad_request(space: Space) -> None:
    await space.create("configmaps", objects.config_map("one"))
    found = await space.api.put(space.path("configmaps", "one"), objects.config_map("two"))
    assert (found.status, found.reason) == (400, "BadRequest")


async def test_an_update_that_changes_nothing_leaves_the_version(space: Space) -> None:
    made = await space.create("configmaps", objects.config_map("one", a="1"))
    same = await space.api.put(space.path("configmaps", "one"), made.body)
    assert (same.status, same.revision) == (200, made.revision)


async def test_a_changed_spec_counts_up_the_generation(space: Space) -> None:
    await space.create("deployments", objects.deployment("d"), group=APPS)
    path = space.path("deployments", "d", group=APPS)
    body = objects.deployment("d", minReadySeconds=1)
    assert (await space.api.put(path, body)).body["metadata"]["generation"] == 2
    body["metadata"]["labels"] = {"app": "other"}
    assert (await space.api.put(path, body)).body["metadata"]["generation"] == 2


async def test_a_status_is_not_written_beside_the_spec(space: Space) -> None:
    body = {**objects.deployment("d"), "status": {"replicas": 7}}
    made = await space.create("deployments", body, group=APPS)
    assert "replicas" not in made.body["status"]


async def test_an_immutable_field_is_invalid(space: Space) -> None:
    made = (await space.create("deployments", objects.deployment("d"), group=APPS)).body
    body = objects.deployment("d")
    body["spec"]["selector"] = {"matchLabels": {"app": "e"}}
    body["spec"]["template"]["metadata"]["labels"] = {"app": "e"}
    found = await space.api.put(space.path("deployments", "d", group=APPS), body)
    assert made["metadata"]["uid"]
    assert (found.status, found.reason) == (422, "Invalid")
    cause = found.body["details"]["causes"][0]
    assert (cause["reason"], cause["field"]) == ("FieldValueInvalid", "spec.selector")
    assert "field is immutable" in found.message


@pytest.mark.parametrize(
    ("low", "high", "field"),
    [(5, 3, "spec.maxReplicas"), (0, 3, "spec.minReplicas"), (1, 0, "spec.maxReplicas")],
)
async def test_bounds_that_contradict_each_other_are_invalid(
    space: Space, low: int, high: int, field: str
) -> None:
    found = await space.api.post(
        space.path("horizontalpodautoscalers", group=SCALING), objects.hpa("h", low, high)
    )
    assert (found.status, found.reason) == (422, "Invalid")
    assert found.message.startswith('HorizontalPodAutoscaler.autoscaling "h" is invalid: ')
    assert field in [cause["field"] for cause in found.body["details"]["causes"]]


async def test_a_word_where_a_number_belongs_is_a_bad_request(space: Space) -> None:
    body = objects.hpa("h", 1, 3)
    body["spec"]["maxReplicas"] = "many"
    found = await space.api.post(space.path("horizontalpodautoscalers", group=SCALING), body)
    assert (found.status, found.reason) == (400, "BadRequest")


async def test_an_unknown_field_is_refused_when_strict(space: Space) -> None:
    body = objects.hpa("h", 1, 3)
    body["spec"]["maxReplica"] = 3
    path = space.path("horizontalpodautoscalers", group=SCALING)
    found = await space.api.post(path, body, fieldValidation="Strict")
    assert (found.status, found.reason) == (400, "BadRequest")
    assert 'strict decoding error: unknown field "spec.maxReplica"' in found.message


async def test_an_unknown_field_is_dropped_with_a_warning(space: Space) -> None:
    body = objects.hpa("h", 1, 3)
    body["spec"]["maxReplica"] = 3
    made = await space.create("horizontalpodautoscalers", body, group=SCALING)
    assert "maxReplica" not in made.body["spec"]
    assert made.headers["Warning"] == '299 - "unknown field \\"spec.maxReplica\\""'


async def test_the_manager_of_a_write_is_recorded(space: Space) -> None:
    made = await space.create("configmaps", objects.config_map("one", a="1"), fieldManager="me")
    (entry,) = made.body["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"], entry["apiVersion"]) == ("me", "Update", "v1")
    assert entry["fieldsV1"] == {"f:data": {".": {}, "f:a": {}}}


async def test_the_manager_defaults_to_the_client_s_name(space: Space) -> None:
    made = await space.create(
        "configmaps", objects.config_map("one", a="1"), headers={"User-Agent": "tool/1.0 (x)"}
    )
    assert made.body["metadata"]["managedFields"][0]["manager"] == "tool"


async def test_an_unknown_resource_is_not_found(space: Space) -> None:
    for path in (space.path("gadgets"), "/apis/none.example/v1/things", "/none"):
        assert (await space.api.get(path)).status == 404


async def test_a_missing_object_is_not_found_by_name(space: Space) -> None:
    found = await space.api.get(space.path("deployments", "absent", group=APPS))
    assert (found.status, found.reason) == (404, "NotFound")
    assert found.message == 'deployments.apps "absent" not found'
    assert found.body["details"] == {"name": "absent", "group": "apps", "kind": "deployments"}
