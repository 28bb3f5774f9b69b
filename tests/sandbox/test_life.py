"""The fleet lives: autoscalers, rollouts, deletions, and its own end."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.contract.client import MERGE_PATCH, Answer
from tests.sandbox.conftest import Connect, connections
from tests.sandbox.program import Program, read_exports, running, start

SPACE = "tenant-acme"
HPA = f"/apis/autoscaling/v2/namespaces/{SPACE}/horizontalpodautoscalers/ai-shifu-api"
API = f"/apis/apps/v1/namespaces/{SPACE}/deployments/ai-shifu-api"


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    """Start a fleet of this module's own: these tests change it."""
    with running() as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cluster(program: Program) -> AsyncIterator[Connect]:
    async with connections(program) as connect:
        yield connect


def limited(answer: Answer) -> Any:
    conditions = {one["type"]: one for one in answer.body["status"]["conditions"]}
    return conditions["ScalingLimited"]["status"]


async def test_raising_the_maximum_scales_out_and_ends_the_pin(cluster: Connect) -> None:
    api = cluster("prod-us-west-2")
    raised = await api.patch(HPA, {"spec": {"maxReplicas": 12}}, MERGE_PATCH, user="sre")
    assert raised.status == 200

    def unpinned(answer: Answer) -> bool:
        return bool(limited(answer) == "False" and answer.body["status"]["currentReplicas"] > 6)

    found = await api.eventually(HPA, unpinned, seconds=60)
    replicas = found.body["status"]["currentReplicas"]
    assert 6 < replicas <= 12
    ready = await api.eventually(
        API, lambda answer: answer.body["status"].get("readyReplicas") == replicas, seconds=60
    )
    assert ready.body["spec"]["replicas"] == replicas


async def test_argo_cd_sets_back_what_it_was_not_told_to_leave_alone(cluster: Connect) -> None:
    api = cluster("prod-us-west-2")
    path = HPA.replace(SPACE, "tenant-globex")
    drifted = await api.patch(path, {"spec": {"maxReplicas": 30}}, MERGE_PATCH)
    assert drifted.body["spec"]["maxReplicas"] == 30
    await api.eventually(path, lambda answer: answer.body["spec"]["maxReplicas"] == 20, seconds=60)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/namespaces/default/pods", {"kind": "Pod", "apiVersion": "v1", "spec": 3}),
        ("/api/v1/namespaces/default/resourcequotas", {"spec": {"hard": {"pods": "many"}}}),
        ("/apis/apps/v1/namespaces/default/deployments", {"spec": {"template": []}}),
    ],
)
async def test_an_object_of_an_unknown_shape_is_refused_and_the_fleet_lives_on(
    cluster: Connect, path: str, body: dict[str, Any]
) -> None:
    api = cluster("prod-us-west-2")
    kinds = {"pods": "Pod", "resourcequotas": "ResourceQuota", "deployments": "Deployment"}
    version = "apps/v1" if "/apps/" in path else "v1"
    named = {"kind": kinds[path.rpartition("/")[2]], "apiVersion": version, **body}
    found = await api.post(path, {**named, "metadata": {"name": "odd"}})
    assert found.body["kind"] == "Status"
    assert found.status >= 400
    assert (await api.get("/api/v1/namespaces/default")).status == 200


async def test_a_new_template_rolls_out_without_losing_a_pod(cluster: Connect) -> None:
    api = cluster("prod-eu-central-1")
    path = "/apis/apps/v1/namespaces/tenant-wonka/deployments/ai-shifu-web"
    before = (await api.get(path)).body
    stamp = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}
    patched = await api.patch(path, {"spec": {"template": stamp}}, MERGE_PATCH)
    least = before["spec"]["replicas"]

    def rolled(answer: Answer) -> bool:
        status = answer.body["status"]
        assert status.get("availableReplicas", 0) >= least
        return bool(
            status["observedGeneration"] == patched.body["metadata"]["generation"]
            and status.get("updatedReplicas") == status["replicas"] == least
            and status.get("availableReplicas") == least
        )

    await api.eventually(path, rolled, seconds=60)


async def test_an_evicted_pod_comes_back_under_another_name(cluster: Connect) -> None:
    api = cluster("prod-us-west-2")
    path = "/api/v1/namespaces/tenant-umbrella/pods"
    pods = (await api.get(path, labelSelector="app=ai-shifu-web")).names
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pods[0]}}
    assert (await api.post(f"{path}/{pods[0]}/eviction", body, user="sre")).status == 201

    def replaced(answer: Answer) -> bool:
        return pods[0] not in answer.names and len(answer.names) == len(pods)

    await api.eventually(path, replaced, labelSelector="app=ai-shifu-web", seconds=60)


def test_a_signal_ends_it_and_its_folder() -> None:
    process = start()
    folder = Path(read_exports(process)["KUBECONFIG"]).parent
    assert folder.is_dir()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert not folder.exists()
    if process.stdout:
        process.stdout.close()


def test_it_ends_when_its_parent_does() -> None:
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = start("--parent", str(parent.pid))
    read_exports(process)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(10)
    if parent.stdin:
        parent.stdin.close()
    assert process.wait(20) == 0
    if process.stdout:
        process.stdout.close()


def test_an_unknown_fault_is_refused_with_the_names_there_are() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "console.sandbox", "--serve", "--fault", "flood"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.returncode == 2
    assert "no fault 'flood'; there are: down, blackhole" in process.stderr
