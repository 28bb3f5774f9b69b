"""The harness does what tests rely on: real servers come up, behave and leave nothing behind."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.real import servers
from tests.real.api import ApiError, Object, until
from tests.real.control_plane import ControlPlane
from tests.real.fleet import Fleet
from tests.real.process import own_folder
from tests.real.stages import NODE_FAULT, NODE_FAULTS, POD_FAULTS
from tests.real.workloads import autoscaler, deployment, namespace, pod_template

_ROOT = Path(__file__).parents[2]
_AUTOSCALERS = "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers"


def _condition(item: Object, kind: str) -> Object:
    conditions = item.get("status", {}).get("conditions") or []
    return next((one for one in conditions if one["type"] == kind), {})


async def test_servers_are_the_pinned_versions(plane: ControlPlane) -> None:
    async with plane.api() as api:
        version = await api.get("/version")
    assert version["gitVersion"] == servers.KUBERNETES.version
    assert set(plane.pids) == {
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kwok",
        "metrics-server",
    }


async def test_nodes_are_ready_and_hold_leases(plane: ControlPlane) -> None:
    async with plane.api() as api:
        nodes = await api.items("/api/v1/nodes")
        leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"

        async def held() -> bool:
            return len(await api.items(leases)) == len(nodes)

        await until("leases", held)
    assert {_condition(node, "Ready")["status"] for node in nodes} == {"True"}


async def test_secrets_are_not_for_viewers(plane: ControlPlane) -> None:
    async with plane.api("viewer") as api:
        await api.get("/api/v1/pods")
        with pytest.raises(ApiError, match="403"):
            await api.get("/api/v1/secrets")


async def test_operators_change_bounds_and_hold_locks_only(plane: ControlPlane) -> None:
    async with plane.api() as api:
        await api.apply_all([namespace("rights"), deployment("rights", "app")])
        await api.apply(autoscaler("rights", "app"))
    async with plane.api("operator") as api:
        path = _AUTOSCALERS.format("rights") + "/app"
        changed = await api.patch(path, {"spec": {"maxReplicas": 7}})
        assert changed["spec"]["maxReplicas"] == 7
        lease = {"metadata": {"name": "tenant-acme", "namespace": "shifu-ops"}}
        await api.create({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"} | lease)
        with pytest.raises(ApiError, match="403"):
            await api.delete(path)
        with pytest.raises(ApiError, match="403"):
            await api.patch("/apis/apps/v1/namespaces/rights/deployments/app", {})


async def test_strangers_see_nothing(plane: ControlPlane) -> None:
    async with plane.api("nobody") as api:
        for path in ("/api/v1/pods", "/apis/apps/v1/deployments", "/api/v1/nodes"):
            with pytest.raises(ApiError, match="403"):
                await api.get(path)


async def test_restart_keeps_objects_and_address(plane: ControlPlane) -> None:
    before = plane.pids["kube-apiserver"]
    async with plane.api() as api:
        await api.apply(namespace("kept"))
        await plane.restart_apiserver()
        assert (await api.get("/api/v1/namespaces/kept"))["metadata"]["name"] == "kept"
    assert plane.pids["kube-apiserver"] != before


async def test_stopped_apiserver_refuses_connections_until_started(plane: ControlPlane) -> None:
    await plane.stop_apiserver()
    async with plane.api() as api:
        with pytest.raises(aiohttp.ClientConnectorError):
            await api.get("/version")
        await plane.start_apiserver()
        await api.get("/version")


async def test_compaction_makes_older_versions_gone(plane: ControlPlane) -> None:
    async with plane.api() as api:
        old = (await api.get("/api/v1/namespaces"))["metadata"]["resourceVersion"]
        await api.apply(namespace("newer"))
        await plane.compact()
        event = await api.get(
            "/api/v1/namespaces", watch="1", resourceVersion=old, timeoutSeconds="5"
        )
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


async def test_revoked_token_is_refused_until_restored(plane: ControlPlane) -> None:
    await plane.revoke_token("operator")
    async with plane.api("operator") as api:
        with pytest.raises(ApiError, match="401"):
            await api.get("/api/v1/pods")
        await plane.restore_token("operator")
        await api.get("/api/v1/pods")


@pytest.mark.timeout(240)
async def test_load_pins_an_autoscaler_and_a_higher_maximum_frees_it(plane: ControlPlane) -> None:
    path = _AUTOSCALERS.format("busy") + "/app"
    async with plane.api() as api:
        await api.apply_all([namespace("busy"), deployment("busy", "app")])
        await api.apply(autoscaler("busy", "app", bounds=(2, 4)))
        plane.set_load("busy", "app=app", total="400m")

        async def limited_by(reason: str, replicas: int) -> bool:
            item = await api.get(path)
            limited = _condition(item, "ScalingLimited").get("reason") == reason
            return limited and bool(item["status"].get("currentReplicas") == replicas)

        await until("pinned", lambda: limited_by("TooManyReplicas", 4), seconds=90)
        await api.patch(path, {"spec": {"maxReplicas": 10}})
        await until("free", lambda: limited_by("DesiredWithinRange", 8), seconds=90)


async def test_every_pod_fault_shows_as_a_kubelet_would_report_it(plane: ControlPlane) -> None:
    async with plane.api() as api:
        await api.apply(namespace("faults"))
        for name in POD_FAULTS:
            metadata = {"name": name, "namespace": "faults"}
            template = pod_template(name, fault=name)
            metadata["annotations"] = template["metadata"]["annotations"]
            spec = template["spec"]
            await api.create(
                {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
            )

        async def reported() -> list[Object] | None:
            pods = await api.items("/api/v1/namespaces/faults/pods")
            return pods if all("podIP" in pod["status"] for pod in pods) else None

        pods = await until("faults reported", reported)
    for pod in pods:
        fault = POD_FAULTS[pod["metadata"]["name"]]
        group = "initContainerStatuses" if fault.in_init else "containerStatuses"
        (container,) = pod["status"][group]
        assert pod["status"]["phase"] == fault.phase
        assert set(container["state"]) == set(fault.state)
        assert container["restartCount"] == fault.restarts


@pytest.mark.parametrize("name", NODE_FAULTS)
async def test_node_fault_comes_and_goes(plane: ControlPlane, name: str) -> None:
    path = "/api/v1/nodes/node-2"
    async with plane.api() as api:
        healthy = await api.get(path)
        for fault, others in ((name, NODE_FAULTS[name].conditions), ("none", {})):
            await api.patch(path, {"metadata": {"annotations": {NODE_FAULT: fault}}})
            expected = {
                one["type"]: others.get(one["type"], (one["status"],))[0]
                for one in healthy["status"]["conditions"]
            }

            async def shown(expected: dict[str, str] = expected) -> bool:
                conditions = (await api.get(path))["status"]["conditions"]
                return {one["type"]: one["status"] for one in conditions} == expected

            await until(f"node {fault}", shown)


async def test_two_planes_do_not_disturb_each_other(plane: ControlPlane) -> None:
    async with ControlPlane("second") as other:
        async with other.api() as there, plane.api() as here:
            await there.apply(namespace("only-there"))
            with pytest.raises(ApiError, match="404"):
                await here.get("/api/v1/namespaces/only-there")
        gone = (other.folder, other.pids)
    folder, pids = gone
    assert not folder.exists()
    assert not any(_alive(pid) for pid in pids.values())
    async with plane.api() as here:
        await here.get("/readyz")


async def test_killed_owner_takes_its_servers_along(tmp_path: Path) -> None:
    async with _child(_HOLDER) as child:
        assert child.stdout is not None
        facts = json.loads(await child.stdout.readline())
        assert all(_alive(pid) for pid in facts["pids"])
        child.kill()
        await until("servers gone", lambda: _gone(facts["pids"]))
    with own_folder("sweeper"):
        assert not _exists(facts["folder"])


@pytest.mark.timeout(240)
async def test_fleet_serves_until_told_to_stop_and_leaves_nothing() -> None:
    async with _child(_FLEET) as child:
        assert child.stdout is not None
        async with asyncio.timeout(100):
            lines = [(await child.stdout.readline()).decode().strip() for _ in range(2)]
        variables = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        assert list(variables) == ["KUBECONFIG", "SHIFU_FLEET"]
        kubeconfig = Path(variables["KUBECONFIG"])
        nodes = await _kubectl(kubeconfig, "--context=prod-us-west-2", "get", "nodes", "-o=name")
        assert "node/usw2-application-0" in nodes.split()
        child.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            assert await child.wait() == 0
    assert not kubeconfig.parent.exists()


@pytest.mark.timeout(240)
async def test_fleet_has_autoscalers_judged_by_real_controllers(fleet: Fleet) -> None:
    await fleet.settled()
    async with fleet.management.api("operator") as api:
        applications = await api.items("/apis/argoproj.io/v1alpha1/applications")
    tenants = {item["spec"]["destination"]["namespace"] for item in applications}
    found = set()
    for plane in fleet.planes.values():
        async with plane.api("operator") as api:
            items = await api.items("/apis/autoscaling/v2/horizontalpodautoscalers")
            found |= {item["metadata"]["namespace"] for item in items}
    assert found == tenants


_HOLDER = (
    "import asyncio, json\n"
    "from tests.real.control_plane import ControlPlane\n"
    "async def hold():\n"
    "    async with ControlPlane('held') as plane:\n"
    "        facts = {'pids': list(plane.pids.values()), 'folder': str(plane.folder)}\n"
    "        print(json.dumps(facts), flush=True)\n"
    "        await asyncio.Event().wait()\n"
    "asyncio.run(hold())\n"
)
_FLEET = "import sys; from tests.real import fleet; sys.exit(fleet.main())"


@asynccontextmanager
async def _child(program: str) -> AsyncIterator[asyncio.subprocess.Process]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, cwd=_ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def _kubectl(kubeconfig: Path, *arguments: str) -> str:
    child = await asyncio.create_subprocess_exec(
        servers.KUBERNETES.program("kubectl"),
        f"--kubeconfig={kubeconfig}",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        output, _ = await child.communicate()
    assert child.returncode == 0
    return output.decode()


def _exists(folder: str) -> bool:
    return Path(folder).exists()


async def _gone(pids: list[int]) -> bool:
    return not any(_alive(pid) for pid in pids)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
