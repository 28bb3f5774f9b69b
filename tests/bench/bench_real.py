"""Ten thousand pods on one real API server: how long until all are there, and in what memory."""

import asyncio
import itertools
import os
import time
from pathlib import Path

from tests.bench.figure import Figure
from tests.bench.messages import Ready
from tests.bench.processes import read
from tests.real import servers
from tests.real.api import Api, Object
from tests.real.control_plane import ControlPlane

_PODS = 10_000
_AT_ONCE = 32
_NAMESPACES = 20
_VARIABLES = 60
"""Environment variables of a pod, so that one weighs about 6 kB, as pods of a SaaS do."""


async def measure() -> list[Figure]:
    if missing := servers.missing():
        return [Figure(name=f"10,000 pods, one real API server: needs {missing}", unit="s", ours=0)]
    async with ControlPlane("bench") as plane:
        await _fill(plane)
        ready = Ready([plane.url], str(plane.ca_file), plane.tokens["viewer"], [])
        ours = await read("our-fleet", ready)
        official = await read("official-fleet", ready)
        kubectl = await _kubectl(plane.kubeconfig)
    return [
        Figure(
            name=f"{ours.count:,} pods of a real API server, complete",
            unit="s",
            ours=ours.seconds,
            peer="kubectl get pods -A",
            theirs=kubectl,
            budget="≤ 1.5 s",
        ),
        Figure(
            name="the same, beside the official client",
            unit="s",
            ours=ours.seconds,
            peer="official client",
            theirs=official.seconds,
        ),
        Figure(
            name="the same, memory of the whole process",
            unit="MB",
            ours=ours.megabytes,
            peer="official client",
            theirs=official.megabytes,
        ),
    ]


async def _fill(plane: ControlPlane) -> None:
    names = [f"load-{number:02}" for number in range(_NAMESPACES)]
    async with plane.api() as api:
        for name in names:
            metadata = {"name": name}
            await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        pods = zip(range(_PODS), itertools.cycle(names), strict=False)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_AT_ONCE):
                tasks.create_task(_create(api, pods))


async def _create(api: Api, pods: "zip[tuple[int, str]]") -> None:
    for number, namespace in pods:
        await api.create(_pod(number, namespace))


def _pod(number: int, namespace: str) -> Object:
    variables = [
        {"name": f"SETTING_{place:02}", "value": f"value-of-setting-{place:02}-of-a-pod"}
        for place in range(_VARIABLES)
    ]
    container = {
        "name": "api",
        "image": "ai-shifu-api:v1.4.2",
        "env": variables,
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"ai-shifu-api-{number:05}",
            "namespace": namespace,
            "labels": {"app": "ai-shifu-api", "tenant": namespace},
        },
        # No scheduler answers to that name: the server has nothing to do but to be read.
        "spec": {"schedulerName": "nobody", "containers": [container]},
    }


async def _kubectl(kubeconfig: Path) -> float:
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        servers.KUBERNETES.program("kubectl"),
        f"--kubeconfig={kubeconfig}",
        *("get", "pods", "-A"),
        stdout=asyncio.subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": str(kubeconfig.parent)},
    )
    if await process.wait():
        raise RuntimeError("kubectl failed")
    return time.perf_counter() - started
