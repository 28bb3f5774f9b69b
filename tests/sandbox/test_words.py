"""The controllers in miniature speak as the real ones were recorded to speak."""

import gzip
import re
from typing import Any

import msgspec
import pytest

from tests.sandbox.conftest import Connect
from tests.sandbox.program import ROOT
from tests.sandbox.test_seed import everywhere

Said = tuple[str, str, str, str]


def said(obj: Any) -> set[Said]:
    """Collect an object's conditions, with what differs by name or number left out."""
    return {
        (one["type"], one["status"], one.get("reason", ""), _plain(one.get("message", "")))
        for one in obj.get("status", {}).get("conditions") or ()
    }


def _plain(message: str) -> str:
    message = re.sub(r'"[^"]*"', '""', message)
    message = re.sub(r"\[[^]]*\]", "[]", message)
    message = re.sub(r"(exceeded quota:|must specify).*", r"\1", message)
    return re.sub(
        r"\d+.*nodes are available.*", "nodes are available", re.sub(r"\d+", "0", message)
    )


def recorded(name: str) -> set[Said]:
    packed = (ROOT / "tests" / "fixtures" / "states" / f"{name}.json.gz").read_bytes()
    states = msgspec.json.decode(gzip.decompress(packed))["states"]
    return set().union(*(said(state["object"]) for state in states))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("hpa", "/apis/autoscaling/v2/horizontalpodautoscalers"),
        ("deployments", "/apis/apps/v1/deployments"),
    ],
)
async def test_every_condition_is_one_that_a_real_controller_wrote(
    cluster: Connect, name: str, path: str
) -> None:
    ours = set().union(*map(said, await everywhere(cluster, path)))
    assert ours - recorded(name) == set()


async def test_the_scheduler_s_conditions_are_the_real_one_s(cluster: Connect) -> None:
    # Only these: the recorded pods' other conditions are kwok's, not a kubelet's.
    ours = set().union(*map(said, await everywhere(cluster, "/api/v1/pods")))
    placed = {one for one in ours if one[0] == "PodScheduled"}
    assert len(placed) > 1
    assert placed - recorded("pods") == set()
