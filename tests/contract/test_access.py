"""Who may do what, and what the refusal says."""

from typing import Any

import pytest

from tests.contract import objects
from tests.contract.client import MERGE_PATCH, Api, Space

SCALING = "autoscaling/v2"
REVIEWS = "/apis/authorization.k8s.io/v1"


async def test_a_wrong_token_is_unauthorized(api: Api) -> None:
    found = await api.get("/api/v1/namespaces", user="wrong-token")
    assert (found.status, found.reason, found.message) == (401, "Unauthorized", "Unauthorized")


async def test_no_token_is_somebody_anonymous(api: Api) -> None:
    found = await api.get("/api/v1/namespaces", user="")
    assert (found.status, found.reason) == (403, "Forbidden")
    assert found.message == (
        'namespaces is forbidden: User "system:anonymous" cannot list resource "namespaces"'
        ' in API group "" at the cluster scope'
    )


async def test_everybody_can_ask_for_the_version(api: Api) -> None:
    found = await api.get("/version", user="")
    assert found.status == 200
    assert found.body["gitVersion"].startswith(f"v{found.body['major']}.{found.body['minor']}.")


async def test_a_viewer_reads_everything_but_secrets(space: Space) -> None:
    for resource in ("pods", "configmaps"):
        assert (await space.api.get(space.path(resource), user="viewer")).status == 200
    found = await space.api.get(space.path("secrets"), user="viewer")
    assert found.status == 403
    assert found.message == (
        'secrets is forbidden: User "viewer" cannot list resource "secrets" in API group ""'
        f' in the namespace "{space.name}"'
    )


async def test_a_viewer_writes_nothing(space: Space) -> None:
    found = await space.api.post(space.path("configmaps"), objects.config_map("one"), user="viewer")
    assert (found.status, found.reason) == (403, "Forbidden")
    assert found.body["details"] == {"kind": "configmaps"}


async def test_an_operator_patches_autoscalers_and_not_their_targets(space: Space) -> None:
    await space.create("horizontalpodautoscalers", objects.hpa("h", 1, 3), group=SCALING)
    path = space.path("horizontalpodautoscalers", "h", group=SCALING)
    patch = {"spec": {"maxReplicas": 4}}
    assert (await space.api.patch(path, patch, MERGE_PATCH, user="operator")).status == 200
    await space.create("deployments", objects.deployment("d"), group="apps/v1")
    target = space.path("deployments", "d", group="apps/v1")
    scale = {"spec": {"replicas": 0}}
    scaled = await space.api.patch(f"{target}/scale", scale, MERGE_PATCH, user="operator")
    assert scaled.status == 200
    refused = await space.api.patch(target, scale, MERGE_PATCH, user="operator")
    assert refused.status == 403
    assert refused.message == (
        'deployments.apps "d" is forbidden: User "operator" cannot patch resource "deployments"'
        f' in API group "apps" in the namespace "{space.name}"'
    )


async def test_nobody_may_do_nothing(api: Api) -> None:
    found = await api.get("/api/v1/namespaces/default/pods", user="nobody")
    assert (found.status, found.reason) == (403, "Forbidden")


def asked(verb: str, resource: str, **more: str) -> dict[str, Any]:
    attributes = {"verb": verb, "resource": resource, **more}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }


@pytest.mark.parametrize(
    ("user", "question", "allowed"),
    [
        ("admin", asked("delete", "nodes"), True),
        ("viewer", asked("list", "pods"), True),
        ("viewer", asked("list", "secrets"), False),
        ("viewer", asked("create", "pods", subresource="eviction", namespace="default"), False),
        ("operator", asked("patch", "horizontalpodautoscalers", group="autoscaling"), True),
        ("operator", asked("patch", "deployments", group="apps"), False),
        ("operator", asked("patch", "deployments", group="apps", subresource="scale"), True),
        (
            "operator",
            asked("create", "leases", group="coordination.k8s.io", namespace="shifu-ops"),
            True,
        ),
        (
            "operator",
            asked("create", "leases", group="coordination.k8s.io", namespace="default"),
            False,
        ),
        ("nobody", asked("get", "pods", namespace="default"), False),
    ],
)
async def test_a_review_knows_beforehand(
    api: Api, user: str, question: dict[str, Any], allowed: bool
) -> None:
    found = await api.post(f"{REVIEWS}/selfsubjectaccessreviews", question, user=user)
    assert found.status == 201
    assert found.body["kind"] == "SelfSubjectAccessReview"
    assert found.body["status"]["allowed"] is allowed


async def test_a_review_of_nothing_is_invalid(api: Api) -> None:
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {},
    }
    found = await api.post(f"{REVIEWS}/selfsubjectaccessreviews", body)
    assert (found.status, found.reason) == (422, "Invalid")


async def test_the_rules_of_a_namespace_can_be_listed(api: Api) -> None:
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": "shifu-ops"},
    }
    found = await api.post(f"{REVIEWS}/selfsubjectrulesreviews", body, user="operator")
    assert found.status == 201
    rules = found.body["status"]["resourceRules"]
    assert any("leases" in rule["resources"] and "create" in rule["verbs"] for rule in rules)
    assert isinstance(found.body["status"]["incomplete"], bool)


async def test_a_user_can_ask_who_it_is(api: Api) -> None:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    found = await api.post(path, body, user="viewer")
    assert found.status == 201
    assert found.body["status"]["userInfo"]["username"] == "viewer"
    assert "system:authenticated" in found.body["status"]["userInfo"]["groups"]
