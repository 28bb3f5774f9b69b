"""Writes leave through one gateway: closed when read-only, named, and honest about lost answers."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from console import errors
from console.fleet import Fleet
from console.links.kube.kubeconfig import KubeUser
from console.links.kube.objects import ObjectRef, Objects
from tests.links.fake_api import PODS, FakeApi, always, black_hole, pod, serve, status
from tests.links.fleets import cluster, fleet_of

HPA = ObjectRef("autoscaling/v2", "horizontalpodautoscalers", "acme", "api")
POD = ObjectRef("v1", "pods", "acme", "api")
BODY = {"spec": {"maxReplicas": 9}}

Write = Callable[[Objects], Awaitable[Any]]
CHANGES: dict[str, Write] = {
    "apply": lambda objects: objects.apply(HPA, BODY),
    "patch": lambda objects: objects.patch(HPA, BODY),
    "create": lambda objects: objects.create(HPA, BODY),
    "replace": lambda objects: objects.replace(HPA, BODY),
    "delete": lambda objects: objects.delete(HPA),
}
DRY_RUNS: dict[str, Write] = {
    "apply": lambda objects: objects.apply(HPA, BODY, dry_run=True),
    "patch": lambda objects: objects.patch(HPA, BODY, dry_run=True),
    "create": lambda objects: objects.create(HPA, BODY, dry_run=True),
    "replace": lambda objects: objects.replace(HPA, BODY, dry_run=True),
    "delete": lambda objects: objects.delete(HPA, dry_run=True),
}


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    async with serve() as server:
        server.put(pod("api"))
        yield server


@pytest.fixture
async def fleet(api: FakeApi) -> AsyncIterator[Fleet]:
    made = fleet_of(cluster(api.url))
    yield made
    await made.close()


async def test_paths_name_the_object() -> None:
    assert HPA.path == "/apis/autoscaling/v2/namespaces/acme/horizontalpodautoscalers/api"
    assert POD.path == "/api/v1/namespaces/acme/pods/api"
    assert ObjectRef("v1", "nodes", "", "n1").path == "/api/v1/nodes/n1"
    scale = ObjectRef("apps/v1", "deployments", "acme", "api", "scale")
    assert scale.path == "/apis/apps/v1/namespaces/acme/deployments/api/scale"


async def test_apply_carries_manager_strictness_and_run(api: FakeApi, fleet: Fleet) -> None:
    await fleet.objects("one", run_id="7f3a").apply(HPA, BODY, dry_run=True, force=True)
    request = api.writes[-1]
    assert request.method == "PATCH"
    assert request.path == HPA.path
    assert dict(request.query) == {
        "fieldManager": "shifu-console",
        "fieldValidation": "Strict",
        "dryRun": "All",
        "force": "true",
    }
    assert request.headers["Content-Type"] == "application/apply-patch+yaml"
    agent = request.headers["User-Agent"]
    assert agent.startswith("shifu-console/")
    assert "(run/7f3a; " in agent
    assert json.loads(api.bodies[-1]) == BODY


@pytest.mark.parametrize(
    ("kind", "body", "content_type"),
    [
        ("merge", {"a": None}, "application/merge-patch+json"),
        ("strategic", {"a": 1}, "application/strategic-merge-patch+json"),
        ("json", [{"op": "add", "path": "/a", "value": 1}], "application/json-patch+json"),
    ],
)
async def test_each_patch_has_its_type(
    api: FakeApi, fleet: Fleet, kind: Any, body: Any, content_type: str
) -> None:
    await fleet.objects("one").patch(HPA, body, kind=kind)
    assert api.writes[-1].headers["Content-Type"] == content_type
    assert json.loads(api.bodies[-1]) == body


async def test_create_posts_to_the_collection_and_to_subresources(
    api: FakeApi, fleet: Fleet
) -> None:
    objects = fleet.objects("one")
    await objects.create(POD, {"metadata": {"name": "api"}})
    assert api.writes[-1].path == "/api/v1/namespaces/acme/pods"
    eviction = ObjectRef("v1", "pods", "acme", "api", "eviction")
    await objects.create(eviction, {"metadata": {"name": "api"}})
    assert api.writes[-1].path == "/api/v1/namespaces/acme/pods/api/eviction"


async def test_delete_names_the_very_object(api: FakeApi, fleet: Fleet) -> None:
    await fleet.objects("one").delete(POD, uid="uid-7")
    assert api.writes[-1].method == "DELETE"
    assert json.loads(api.bodies[-1])["preconditions"] == {"uid": "uid-7"}


async def test_get_and_list_read_whole_objects(api: FakeApi, fleet: Fleet) -> None:
    objects = fleet.objects("one")
    assert (await objects.get(POD))["spec"]["nodeName"] == "node-1"
    assert [found["metadata"]["name"] for found in await objects.list("v1", "pods")] == ["api"]
    with pytest.raises(errors.NotFoundError):
        await objects.get(ObjectRef("v1", "pods", "acme", "none"))
    assert not api.writes


async def test_lists_follow_their_pages(api: FakeApi, fleet: Fleet) -> None:
    for number in range(700):
        api.put(pod(f"api-{number}"))
    assert len(await fleet.objects("one").list("v1", "pods", label_selector="app=api")) == 701
    assert api.asked(PODS)[0].query["labelSelector"] == "app=api"


@pytest.mark.parametrize("how", ["--read-only", "cluster", "READ mode"])
async def test_read_only_makes_no_request_but_get(api: FakeApi, how: str) -> None:
    fleet = fleet_of(cluster(api.url, read_only=how == "cluster"), read_only=how == "--read-only")
    if how == "READ mode":
        fleet.set_write(False)
    objects = fleet.objects("one", run_id="r")
    for write in (*CHANGES.values(), *DRY_RUNS.values()):
        with pytest.raises(errors.ReadOnlyError, match="nothing is written"):
            await write(objects)
    allowed, reason = await objects.allowed("patch", HPA)
    assert allowed is None
    assert reason
    assert await objects.whoami() == "sre"
    await objects.get(POD)
    await objects.list("v1", "pods")
    await fleet.collect(["pod"])
    await fleet.close()
    assert fleet.read_only_reason("one")
    assert {request.method for request in api.requests} == {"GET"}


async def test_write_mode_opens_the_gateway_again(api: FakeApi, fleet: Fleet) -> None:
    objects = fleet.objects("one")
    fleet.set_write(False)
    with pytest.raises(errors.ReadOnlyError):
        await objects.apply(HPA, BODY)
    fleet.set_write(True)
    await objects.apply(HPA, BODY)
    assert len(api.writes) == 1


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (401, errors.AuthExpiredError),
        (403, errors.ForbiddenError),
        (404, errors.NotFoundError),
        (409, errors.ConflictError),
        (422, errors.InvalidError),
        (429, errors.ThrottledError),
        (500, errors.ServerFaultError),
        (503, errors.ServerFaultError),
        (504, errors.OutcomeUnknownError),
    ],
)
async def test_each_refusal_of_a_write_has_its_error(
    api: FakeApi, fleet: Fleet, change: Write, code: int, kind: type[errors.ConsoleError]
) -> None:
    api.fault(always(lambda: status(code, "the server's own words")))
    with pytest.raises(kind, match="the server's own words"):
        await change(fleet.objects("one"))
    assert len(api.writes) == 1


async def test_a_conflict_names_the_field_and_its_manager(api: FakeApi, fleet: Fleet) -> None:
    said = 'Apply failed with 1 conflict: conflict with "argocd": .spec.maxReplicas'
    api.fault(always(lambda: status(409, said)))
    with pytest.raises(errors.ConflictError, match=r'"argocd": \.spec\.maxReplicas'):
        await fleet.objects("one").apply(HPA, BODY)


async def _cut(request: web.Request) -> web.StreamResponse:
    """Take the request and drop the connection."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("fault", [_cut, black_hole], ids=["cut", "silent"])
async def test_an_answer_lost_after_sending_is_an_unknown_outcome(
    api: FakeApi, change: Write, fault: Any
) -> None:
    api.fault(fault)
    fleet = fleet_of(cluster(api.url), timeout=0.3)
    with pytest.raises(errors.OutcomeUnknownError, match="not known"):
        await change(fleet.objects("one"))
    await fleet.close()
    assert len(api.writes) == 1


@pytest.mark.parametrize("dry_run", DRY_RUNS.values(), ids=DRY_RUNS)
async def test_a_lost_dry_run_is_only_a_failed_link(api: FakeApi, dry_run: Write) -> None:
    api.fault(_cut)
    fleet = fleet_of(cluster(api.url))
    with pytest.raises(errors.LinkError):
        await dry_run(fleet.objects("one"))
    await fleet.close()


async def test_what_was_never_sent_is_not_an_unknown_outcome() -> None:
    async with serve() as api:
        url = api.url
    fleet = fleet_of(cluster(url))
    with pytest.raises(errors.UnreachableError, match="connection refused"):
        await fleet.objects("one").apply(HPA, BODY)
    await fleet.close()


async def test_redirects_of_a_write_are_not_followed(api: FakeApi, fleet: Fleet) -> None:
    api.fault(always(lambda: web.Response(status=307, headers={"Location": "/elsewhere"})))
    with pytest.raises(errors.BadReplyError):
        await fleet.objects("one").replace(HPA, BODY)
    assert len(api.writes) == 1


async def test_warnings_of_the_server_are_kept(api: FakeApi, fleet: Fleet) -> None:
    warned = {"Warning": '299 - "autoscaling/v2beta2 is deprecated"'}
    api.fault(always(lambda: web.json_response({}, headers=warned)))
    objects = fleet.objects("one")
    await objects.apply(HPA, BODY)
    assert objects.warnings == ["autoscaling/v2beta2 is deprecated"]


async def test_reviews_are_asked_once_and_remembered(api: FakeApi, fleet: Fleet) -> None:
    assert await fleet.objects("one").allowed("patch", HPA) == (True, "RBAC")
    assert await fleet.objects("one").allowed("patch", HPA) == (True, "RBAC")
    assert len(api.writes) == 1
    asked = json.loads(api.bodies[-1])["spec"]["resourceAttributes"]
    assert asked == {
        "verb": "patch",
        "group": "autoscaling",
        "resource": "horizontalpodautoscalers",
        "namespace": "acme",
        "name": "api",
    }


async def test_a_review_that_fails_is_unknown_not_forbidden(api: FakeApi, fleet: Fleet) -> None:
    api.fault(always(lambda: status(500, "authorizer is gone")))
    allowed, reason = await fleet.objects("one").allowed("patch", HPA)
    assert allowed is None
    assert "authorizer is gone" in reason


async def test_whoami_is_what_the_server_sees(fleet: Fleet) -> None:
    assert await fleet.objects("one").whoami() == "sre@example"


async def test_a_refused_token_is_renewed_before_a_write_fails(api: FakeApi, tmp_path: Any) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    api.token = "old"
    fleet = fleet_of(cluster(api.url, user=KubeUser(name="sre", token_file=str(file))))
    await fleet.objects("one").apply(HPA, BODY)
    api.token = "new"
    file.write_text("new")
    await fleet.objects("one").apply(HPA, BODY)
    await fleet.close()
    assert len(api.writes) == 3


async def test_writes_at_once_share_one_client(api: FakeApi, fleet: Fleet) -> None:
    objects = fleet.objects("one")
    await asyncio.gather(*(objects.apply(HPA, BODY) for _ in range(5)))
    assert len(api.writes) == 5
