"""`describe`: facts, conditions, neighbours and events of one thing."""

from collections.abc import Iterator

import pytest
import yaml

from console.cli.exits import Exit
from tests.cli.conftest import Program
from tests.cli.two_clusters import Site, two_clusters
from tests.links.fake_api import always, status
from tests.unit.resources.world import deployment, hpa, meta, pod

EVENTS = "/api/v1/namespaces/tenant-acme/events"


@pytest.fixture
def site(program: Program) -> Iterator[Site]:
    with two_clusters(program) as found:
        for cluster in ("east", "west"):
            found.put(cluster, "deployment", deployment())
        found.put("east", "pod", pod("api-7d4-a"))
        found.put("east", "hpa", hpa())
        about = {"kind": "HorizontalPodAutoscaler", "name": "api", "namespace": "tenant-acme"}
        found.apis["east"].collections[EVENTS] = {
            ("tenant-acme", "api.1"): {
                "metadata": meta("api.1"),
                "involvedObject": about,
                "type": "Normal",
                "reason": "SuccessfulRescale",
                "message": "New size: 5; password=hunter2",
                "lastTimestamp": "2026-11-23T11:59:00Z",
            }
        }
        yield found


def test_text_has_facts_conditions_neighbours_and_events(program: Program, site: Site) -> None:
    code, out = program.run("describe", "hpa", "api")
    assert code == Exit.OK, program.errors
    assert out.startswith("hpa east/tenant-acme/api\n")
    assert "Min / max:" in out
    assert "2 / 10" in out
    assert "ScalingActive=True" in out
    assert "deployment/api  ✓ OK" in out
    assert "Normal SuccessfulRescale: New size: 5" in out
    assert "hunter2" not in out


def test_all_that_are_called_so_are_described(program: Program, site: Site) -> None:
    _, out = program.run("describe", "deployment", "api")
    heads = [line for line in out.splitlines() if line.startswith("deployment ")]
    assert heads == ["deployment east/tenant-acme/api", "deployment west/tenant-acme/api"]


def test_json_and_yaml_carry_neighbours_and_sources(program: Program, site: Site) -> None:
    shown = program.json("describe", "hpa/api", "-o", "json")
    (one,) = shown["items"]
    assert one["maxReplicas"] == 10
    assert [(other["kind"], other["name"]) for other in one["related"]] == [("deployment", "api")]
    assert one["events"][0]["reason"] == "SuccessfulRescale"
    assert shown["sources"]
    assert yaml.safe_load(program.run("describe", "hpa/api", "-o", "yaml")[1])["items"]


def test_unreadable_events_are_told_and_the_rest_is_shown(program: Program, site: Site) -> None:
    site.apis["east"].fault(always(lambda: status(403, "no events for you")), EVENTS)
    code, out = program.run("describe", "hpa", "api")
    assert "Min / max:" in out
    assert "events of east/tenant-acme/api" in program.errors
    assert code == Exit.OK


def test_what_is_not_there_is_a_problem(program: Program, site: Site) -> None:
    code, out = program.run("describe", "hpa", "nobody")
    assert (code, out) == (Exit.PROBLEMS, "")
    assert "nobody" in program.errors


def test_a_name_is_wanted(program: Program, site: Site) -> None:
    assert program.run("describe", "hpa")[0] == Exit.USAGE
