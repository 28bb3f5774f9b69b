"""The fleet is what it says it is."""

from collections import Counter
from typing import Any

import pytest

from tests.contract.client import Api
from tests.sandbox.conftest import Connect
from tests.sandbox.program import Program

CONTEXTS = ("mgmt-us-west-2", "prod-us-west-2", "prod-eu-central-1", "prod-ap-southeast-1")
TENANTS = set(
    "acme globex initech umbrella hooli stark wayne wonka tyrell cyberdyne soylent oscorp".split()  # noqa: SIM905
)
SCALING = "/apis/autoscaling/v2"


async def items(api: Api, path: str, **options: Any) -> list[Any]:
    found = await api.get(path, **options)
    assert found.status == 200, found.body
    return list(found.body["items"])


def condition(obj: Any, kind: str) -> Any:
    return next(one for one in obj["status"]["conditions"] if one["type"] == kind)


async def everywhere(cluster: Connect, path: str, **options: Any) -> list[Any]:
    return [one for name in CONTEXTS for one in await items(cluster(name), path, **options)]


async def test_there_are_thirty_nodes_and_about_two_hundred_pods(cluster: Connect) -> None:
    assert len(await everywhere(cluster, "/api/v1/nodes")) == 30
    assert 180 <= len(await everywhere(cluster, "/api/v1/pods")) <= 240


async def test_twelve_tenants_of_all_tiers_are_spread_over_three_regions(cluster: Connect) -> None:
    spaces = await everywhere(cluster, "/api/v1/namespaces", labelSelector="ai-shifu.io/tenant")
    labels = [space["metadata"]["labels"] for space in spaces]
    assert {one["ai-shifu.io/tenant"] for one in labels} == TENANTS
    assert {one["tenant"] for one in labels} == TENANTS
    assert {one["tier"] for one in labels} == {"standard", "premium", "enterprise"}
    assert Counter(one["ai-shifu.io/region"] for one in labels).keys() == {
        "us-west-2",
        "eu-central-1",
        "ap-southeast-1",
    }


async def test_a_tenant_has_the_objects_of_its_templates(cluster: Connect) -> None:
    api = cluster("prod-us-west-2")
    apps = "/apis/apps/v1/namespaces/tenant-acme"
    deployments = [one["metadata"]["name"] for one in await items(api, f"{apps}/deployments")]
    assert deployments == ["ai-shifu-api", "ai-shifu-cook-web", "ai-shifu-web"]
    sets = [one["metadata"]["name"] for one in await items(api, f"{apps}/statefulsets")]
    assert sets == ["mysql-acme", "redis-acme"]
    hpas = await items(api, f"{SCALING}/namespaces/tenant-acme/horizontalpodautoscalers")
    assert [one["metadata"]["name"] for one in hpas] == deployments


async def test_the_api_of_acme_is_pinned_at_its_maximum(cluster: Connect) -> None:
    path = f"{SCALING}/namespaces/tenant-acme/horizontalpodautoscalers/ai-shifu-api"
    hpa = (await cluster("prod-us-west-2").get(path)).body
    assert hpa["spec"]["maxReplicas"] == hpa["status"]["currentReplicas"] == 6
    limited = condition(hpa, "ScalingLimited")
    assert (limited["status"], limited["reason"]) == ("True", "TooManyReplicas")
    assert condition(hpa, "ScalingActive")["reason"] == "ValidMetricFound"


async def test_the_quota_of_hooli_is_full_and_its_pods_are_refused(cluster: Connect) -> None:
    api = cluster("prod-us-west-2")
    quota = (await api.get("/api/v1/namespaces/tenant-hooli/resourcequotas/tenant-quota")).body
    assert quota["status"]["used"]["requests.cpu"] == quota["status"]["hard"]["requests.cpu"]
    path = "/apis/apps/v1/namespaces/tenant-hooli/deployments/ai-shifu-api"
    deployment = (await api.get(path)).body
    assert deployment["spec"]["replicas"] > deployment["status"]["readyReplicas"]
    failure = condition(deployment, "ReplicaFailure")
    assert failure["reason"] == "FailedCreate"
    assert "exceeded quota: tenant-quota" in failure["message"]


async def test_one_node_is_not_ready_and_a_database_waits_for_it(cluster: Connect) -> None:
    api = cluster("prod-ap-southeast-1")
    nodes = await everywhere(cluster, "/api/v1/nodes")
    broken = [one for one in nodes if condition(one, "Ready")["status"] != "True"]
    assert len(broken) == 1
    pod = (await api.get("/api/v1/namespaces/tenant-cyberdyne/pods/mysql-cyberdyne-2")).body
    placed = condition(pod, "PodScheduled")
    assert (pod["status"]["phase"], placed["reason"]) == ("Pending", "Unschedulable")
    assert "untolerated taint(s) {node.kubernetes.io/not-ready: }" in placed["message"]


async def test_the_web_of_tyrell_waits_for_an_image_and_serves_the_old_one(
    cluster: Connect,
) -> None:
    api = cluster("prod-eu-central-1")
    path = "/api/v1/namespaces/tenant-tyrell/pods"
    pods = await api.eventually(
        path,
        lambda answer: "ImagePull" in str(answer.body["items"]),
        labelSelector="app=ai-shifu-web",
    )
    ready = [condition(pod, "Ready")["status"] for pod in pods.body["items"]]
    assert Counter(ready) == {"True": 2, "False": 1}


@pytest.mark.parametrize("bid", sorted(TENANTS))
async def test_argo_cd_has_an_application_for_every_tenant(cluster: Connect, bid: str) -> None:
    path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"
    found = await items(cluster(CONTEXTS[0]), path, labelSelector=f"ai-shifu.io/tenant={bid}")
    (spec,) = [one["spec"] for one in found]
    assert spec["destination"]["namespace"] == f"tenant-{bid}"
    assert spec["syncPolicy"]["automated"]["selfHeal"] is (bid != "initech")
    assert ("ignoreDifferences" in spec) is (bid != "globex")


async def test_only_the_management_cluster_serves_argo_cd(cluster: Connect) -> None:
    for name in CONTEXTS[1:]:
        assert (await cluster(name).get("/apis/argoproj.io/v1alpha1")).status == 404


async def test_every_ready_node_keeps_a_lease(cluster: Connect) -> None:
    path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
    assert len(await everywhere(cluster, path)) == 29


async def test_the_files_name_what_a_client_needs(program: Program) -> None:
    import yaml

    config = yaml.safe_load((program.folder / "kubeconfig").read_text())
    assert [one["name"] for one in config["contexts"]] == list(CONTEXTS)
    fleet = yaml.safe_load((program.folder / "fleet.yaml").read_text())
    assert [one["context"] for one in fleet["clusters"]] == list(CONTEXTS)
    assert fleet["clusters"][0]["role"] == "management"
    assert all(one["production"] for one in fleet["clusters"][1:])
