"""Discovery, Tables, metadata: the forms of an answer."""

from typing import Any

from tests.contract import objects
from tests.contract.client import METADATA, METADATA_LIST, TABLE, Api, Space

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def cells(table: Any, row: int = 0) -> dict[str, Any]:
    titles = [column["name"] for column in table["columnDefinitions"]]
    return dict(zip(titles, table["rows"][row]["cells"], strict=True))


async def test_the_core_group_lists_its_resources(api: Api) -> None:
    found = await api.get("/api/v1")
    resources = {one["name"]: one for one in found.body["resources"]}
    assert found.body["kind"] == "APIResourceList"
    assert resources["pods"]["shortNames"] == ["po"]
    assert resources["pods"]["namespaced"] is True
    assert {"get", "list", "watch", "patch"} <= set(resources["pods"]["verbs"])
    assert resources["nodes"]["namespaced"] is False
    assert resources["pods/eviction"]["kind"] == "Eviction"


async def test_named_groups_are_listed(api: Api) -> None:
    found = await api.get("/apis")
    groups = {one["name"]: one["preferredVersion"]["version"] for one in found.body["groups"]}
    assert groups["apps"] == "v1"
    assert groups["autoscaling"] == "v2"
    own = await api.get("/apis/apps/v1")
    names = {one["name"] for one in own.body["resources"]}
    assert {"deployments", "deployments/scale", "deployments/status"} <= names


async def test_discovery_comes_whole_when_asked(api: Api) -> None:
    for path, resource in (("/api", "pods"), ("/apis", "deployments")):
        found = await api.get(path, accept=f"{AGGREGATED},application/json")
        assert found.body["kind"] == "APIGroupDiscoveryList"
        listed = [
            one["resource"]
            for item in found.body["items"]
            for version in item["versions"]
            for one in version["resources"]
        ]
        assert resource in listed


async def test_pods_come_as_the_rows_that_kubectl_prints(space: Space) -> None:
    await space.create("pods", objects.pod("one"))
    found = await space.api.get(space.path("pods"), accept=TABLE)
    assert (found.body["kind"], found.body["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    shown = cells(found.body)
    assert list(shown)[:5] == ["Name", "Ready", "Status", "Restarts", "Age"]
    assert (shown["Name"], shown["Ready"], shown["Status"]) == ("one", "0/1", "Pending")
    row = found.body["rows"][0]["object"]
    assert (row["kind"], row["metadata"]["name"]) == ("PartialObjectMetadata", "one")


async def test_rows_can_carry_the_object_or_nothing(space: Space) -> None:
    await space.create("configmaps", objects.config_map("one", labels={"l": "1"}, a="1"))
    path = space.path("configmaps")
    whole = await space.api.get(path, accept=TABLE, includeObject="Object", labelSelector="l")
    assert whole.body["rows"][0]["object"]["data"] == {"a": "1"}
    bare = await space.api.get(path, accept=TABLE, includeObject="None", labelSelector="l")
    assert not bare.body["rows"][0].get("object")


async def test_autoscalers_show_bounds_and_target_in_their_row(space: Space) -> None:
    group = "autoscaling/v2"
    await space.create("horizontalpodautoscalers", objects.hpa("h", 2, 6), group=group)
    path = space.path("horizontalpodautoscalers", "h", group=group)
    shown = cells((await space.api.get(path, accept=TABLE)).body)
    assert list(shown) == [
        "Name",
        "Reference",
        "Targets",
        "MinPods",
        "MaxPods",
        "Replicas",
        "Age",
    ]
    assert (shown["Reference"], shown["MinPods"], shown["MaxPods"]) == ("Deployment/h", "2", 6)
    assert shown["Targets"] == "cpu: <unknown>/70%"


async def test_deployments_and_quotas_show_their_columns(space: Space) -> None:
    await space.create("deployments", objects.deployment("d"), group="apps/v1")
    path = space.path("deployments", group="apps/v1")
    shown = cells((await space.api.get(path, accept=TABLE)).body)
    assert list(shown)[:5] == ["Name", "Ready", "Up-to-date", "Available", "Age"]
    assert (shown["Ready"], shown["Containers"], shown["Selector"]) == ("0/0", "main", "app=d")
    await space.create("resourcequotas", objects.quota("own", pods="5"))
    quotas = await space.api.eventually(
        space.path("resourcequotas"),
        lambda answer: "pods: 0/5" in str(answer.body["rows"]),
        accept=TABLE,
    )
    assert list(cells(quotas.body))[:4] == ["Name", "Request", "Limit", "Age"]


async def test_metadata_can_be_had_alone(space: Space) -> None:
    await space.create("configmaps", objects.config_map("one", labels={"l": "1"}, a="1"))
    path = space.path("configmaps", "one")
    one = await space.api.get(path, accept=METADATA)
    assert one.body["kind"] == "PartialObjectMetadata"
    assert "data" not in one.body
    many = await space.api.get(space.path("configmaps"), accept=METADATA_LIST, labelSelector="l")
    assert many.body["kind"] == "PartialObjectMetadataList"
    assert many.names == ["one"]


async def test_a_form_that_is_not_spoken_is_refused(api: Api) -> None:
    found = await api.get("/api/v1/namespaces", accept="text/csv")
    assert (found.status, found.reason) == (406, "NotAcceptable")
