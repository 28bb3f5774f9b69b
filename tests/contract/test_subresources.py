"""Scale, status, eviction."""

from tests.contract import objects
from tests.contract.client import MERGE_PATCH, Answer, Space

APPS, POLICY = "apps/v1", "policy/v1"


async def deployed(space: Space) -> str:
    await space.create("deployments", objects.deployment("d"), group=APPS)
    return space.path("deployments", "d", group=APPS)


async def test_scale_shows_replicas_and_selector(space: Space) -> None:
    path = await deployed(space)
    found = await space.api.get(f"{path}/scale")
    assert (found.body["kind"], found.body["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert found.body["spec"].get("replicas", 0) == 0
    assert found.body["status"]["selector"] == "app=d"


async def test_scale_sets_replicas(space: Space) -> None:
    path = await deployed(space)
    scale = (await space.api.get(f"{path}/scale")).body
    scale["spec"] = {"replicas": 2}
    del scale["metadata"]["resourceVersion"]  # a controller may write the status meanwhile
    put = await space.api.put(f"{path}/scale", scale)
    assert (put.status, put.body["spec"]["replicas"]) == (200, 2)
    patched = await space.api.patch(f"{path}/scale", {"spec": {"replicas": 3}}, MERGE_PATCH)
    assert (patched.status, patched.body["spec"]["replicas"]) == (200, 3)
    assert (await space.api.get(path)).body["spec"]["replicas"] == 3


async def test_scale_of_an_older_version_conflicts(space: Space) -> None:
    path = await deployed(space)
    scale = (await space.api.get(f"{path}/scale")).body
    await space.api.patch(f"{path}/scale", {"spec": {"replicas": 1}}, MERGE_PATCH)
    found = await space.api.put(f"{path}/scale", {**scale, "spec": {"replicas": 2}})
    assert (found.status, found.reason) == (409, "Conflict")


async def test_scale_below_zero_is_invalid(space: Space) -> None:
    path = await deployed(space)
    found = await space.api.patch(f"{path}/scale", {"spec": {"replicas": -1}}, MERGE_PATCH)
    assert (found.status, found.reason) == (422, "Invalid")


async def test_a_status_is_written_apart(space: Space) -> None:
    await space.create("pods", objects.pod("one"))
    path = space.path("pods", "one")
    body = {"metadata": {"labels": {"l": "1"}}, "status": {"phase": "Running", "message": "hello"}}
    found = await space.api.patch(f"{path}/status", body, MERGE_PATCH, fieldManager="kubelet-like")
    assert found.status == 200
    assert found.body["status"]["message"] == "hello"
    entries = {one["manager"]: one for one in found.body["metadata"]["managedFields"]}
    assert entries["kubelet-like"]["subresource"] == "status"
    whole = await space.api.patch(path, {"status": {"message": "other"}}, MERGE_PATCH)
    assert whole.body["status"]["message"] == "hello"


async def test_a_subresource_that_is_not_there_is_not_found(space: Space) -> None:
    await space.create("configmaps", objects.config_map("one"))
    found = await space.api.get(space.path("configmaps", "one") + "/scale")
    assert found.status == 404


async def test_an_unguarded_pod_is_evicted(space: Space) -> None:
    await space.create("pods", objects.pod("one"))
    path = space.path("pods", "one")
    found = await space.api.post(f"{path}/eviction", objects.eviction("one"))
    assert (found.status, found.body["kind"], found.body["status"]) == (201, "Status", "Success")
    assert (await space.api.get(path)).status == 404


async def test_an_eviction_holds_to_the_pod_it_means(space: Space) -> None:
    await space.create("pods", objects.pod("one"))
    path = space.path("pods", "one")
    wrong = {"uid": "00000000-0000-0000-0000-000000000000"}
    found = await space.api.post(f"{path}/eviction", objects.eviction("one", preconditions=wrong))
    assert (found.status, found.reason) == (409, "Conflict")
    assert (await space.api.get(path)).status == 200


async def test_a_dry_eviction_evicts_nothing(space: Space) -> None:
    await space.create("pods", objects.pod("one"))
    path = space.path("pods", "one")
    found = await space.api.post(f"{path}/eviction", objects.eviction("one"), dryRun="All")
    assert found.status == 201
    assert (await space.api.get(path)).status == 200


async def guarded(space: Space, **spec: int) -> str:
    """Create a ready pod under a budget and wait until the budget has counted it."""
    marks = {"app": "guarded"}
    await space.create("pods", objects.pod("one", labels=marks))
    ready = {"type": "Ready", "status": "True"}
    path = space.path("pods", "one")
    status = {"status": {"phase": "Running", "conditions": [ready]}}
    assert (await space.api.patch(f"{path}/status", status, MERGE_PATCH)).status == 200
    await space.create("poddisruptionbudgets", objects.budget("guard", marks, **spec), group=POLICY)
    await space.api.eventually(space.path("poddisruptionbudgets", "guard", group=POLICY), counted)
    return path


def counted(answer: Answer) -> bool:
    return bool(answer.body.get("status", {}).get("currentHealthy") == 1)


async def test_a_budget_refuses_the_eviction_of_its_last_pod(space: Space) -> None:
    path = await guarded(space, minAvailable=1)
    found = await space.api.post(f"{path}/eviction", objects.eviction("one"))
    assert (found.status, found.reason) == (429, "TooManyRequests")
    assert found.message == "Cannot evict pod as it would violate the pod's disruption budget."
    (cause,) = found.body["details"]["causes"]
    assert cause["reason"] == "DisruptionBudget"
    assert cause["message"] == (
        "The disruption budget guard needs 1 healthy pods and has 1 currently"
    )
    assert (await space.api.get(path)).status == 200


async def test_a_budget_with_room_lets_the_pod_go(space: Space) -> None:
    path = await guarded(space, minAvailable=0)
    found = await space.api.post(f"{path}/eviction", objects.eviction("one"))
    assert found.status == 201
