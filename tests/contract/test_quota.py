"""Quotas: what is refused, what is counted."""

from tests.contract import objects
from tests.contract.client import Answer, Space


async def limit(space: Space, **hard: str) -> None:
    """Create a quota and wait until it counts."""
    await space.create("resourcequotas", objects.quota("own", **hard))
    await space.api.eventually(space.path("resourcequotas", "own"), counted)


def counted(answer: Answer) -> bool:
    return bool(answer.body.get("status", {}).get("used"))


async def test_a_pod_beyond_the_quota_is_forbidden(space: Space) -> None:
    await limit(space, requests_cpu="500m", pods="5")
    await space.create("pods", objects.pod("one", cpu="300m"))
    found = await space.api.post(space.path("pods"), objects.pod("two", cpu="300m"))
    assert (found.status, found.reason) == (403, "Forbidden")
    assert found.message == (
        'pods "two" is forbidden: exceeded quota: own, requested: requests.cpu=300m,'
        " used: requests.cpu=300m, limited: requests.cpu=500m"
    )


async def test_a_pod_that_says_nothing_of_a_limited_resource_is_forbidden(space: Space) -> None:
    await limit(space, requests_cpu="500m")
    found = await space.api.post(space.path("pods"), objects.pod("one"))
    assert (found.status, found.reason) == (403, "Forbidden")
    assert "failed quota: own: must specify requests.cpu for: main" in found.message


async def test_a_limit_range_says_it_for_the_pod(space: Space) -> None:
    await limit(space, requests_cpu="500m")
    item = {"type": "Container", "defaultRequest": {"cpu": "100m"}}
    body = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "own"},
        "spec": {"limits": [item]},
    }
    await space.create("limitranges", body)
    path, seen = space.path("pods"), None
    for _ in range(100):  # the admission plugin learns of a new range a moment later
        seen = await space.api.post(path, objects.pod("one"))
        if seen.status == 201:
            break
    assert seen
    assert seen.body["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "100m"}


async def test_an_amount_that_is_no_quantity_is_a_bad_request(space: Space) -> None:
    quota = await space.api.post(space.path("resourcequotas"), objects.quota("own", pods="many"))
    assert (quota.status, quota.reason) == (400, "BadRequest")
    pod = await space.api.post(space.path("pods"), objects.pod("one", cpu="much"))
    assert (pod.status, pod.reason) == (400, "BadRequest")
    for answer in (quota, pod):
        assert "quantities must match the regular expression" in answer.message


async def test_use_is_counted(space: Space) -> None:
    await limit(space, requests_cpu="2", requests_memory="1Gi", pods="5", services="2")
    for name in ("one", "two"):
        await space.create("pods", objects.pod(name, cpu="600m"))
    found = await space.api.eventually(
        space.path("resourcequotas", "own"),
        lambda answer: answer.body["status"]["used"].get("pods") == "2",
    )
    assert found.body["status"]["used"] == {
        "pods": "2",
        "requests.cpu": "1200m",
        "requests.memory": "32Mi",
        "services": "0",
    }
    assert found.body["status"]["hard"] == found.body["spec"]["hard"]


async def test_counted_objects_are_limited_too(space: Space) -> None:
    await limit(space, **{"count/leases.coordination.k8s.io": "1"})
    group = "coordination.k8s.io/v1"
    await space.create("leases", objects.lease("one", "me"), group=group)
    found = await space.api.post(space.path("leases", group=group), objects.lease("two", "me"))
    assert (found.status, found.reason) == (403, "Forbidden")
    assert "exceeded quota: own" in found.message


async def test_what_is_deleted_is_given_back(space: Space) -> None:
    await limit(space, pods="1")
    await space.create("pods", objects.pod("one"))
    await space.api.delete(space.path("pods", "one"))
    await space.api.eventually(
        space.path("resourcequotas", "own"),
        lambda answer: answer.body["status"]["used"].get("pods") == "0",
    )
    await space.create("pods", objects.pod("two"))
