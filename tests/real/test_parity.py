"""kubectl and the console name the same objects, cluster by cluster and row by row."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.real.console import Console
from tests.real.fleet import Fleet
from tests.real.servers import KUBERNETES

_KINDS = (
    "namespaces",
    "resourcequotas",
    "deployments",
    "statefulsets",
    "pods",
    "hpa",
    "nodes",
    "events",
)
_OURS = {"resourcequotas": "quotas"}


async def _kubectl(kubeconfig: Path, context: str, kind: str) -> set[tuple[str, str]]:
    process = await asyncio.create_subprocess_exec(
        KUBERNETES.program("kubectl"),
        f"--kubeconfig={kubeconfig}",
        f"--context={context}",
        *("get", kind, "-A", "-o", "json"),
        env={"PATH": os.environ["PATH"], "HOME": str(kubeconfig.parent)},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    found: list[dict[str, Any]] = json.loads(out)["items"]
    return {(item["metadata"].get("namespace", ""), item["metadata"]["name"]) for item in found}


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("kind", _KINDS)
async def test_console_and_kubectl_name_the_same_objects(
    fleet: Fleet, tmp_path: Path, kind: str
) -> None:
    console = Console(fleet.kubeconfig, fleet.fleet_file, tmp_path)
    for context in fleet.planes:
        # The fleet lives: compare again until nothing came or went between the two readings.
        for _ in range(10):
            theirs = await _kubectl(fleet.kubeconfig, context, kind)
            reply = await console(
                "get", _OURS.get(kind, kind), "-A", "--context", context, "-o", "json"
            )
            assert reply.code == 0, reply.err
            ours = {(item["namespace"], item["name"]) for item in reply.json()["items"]}
            if ours == theirs:
                break
        assert ours == theirs
