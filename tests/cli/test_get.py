"""`get`: what is on stdout, what on stderr, the exit code."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from console.cli.exits import Exit
from console.cli.output import get_schema
from console.resources import views
from tests.cli.conftest import Program
from tests.cli.schema_check import violations
from tests.cli.two_clusters import Site, two_clusters
from tests.links.fake_api import always, black_hole, status
from tests.unit.resources.world import container, deployment, hpa, merged, pod

ROOT = Path(__file__).parents[2]
BROKEN = [container(ready=False, waiting={"reason": "CrashLoopBackOff"})]


@pytest.fixture
def site(program: Program) -> Iterator[Site]:
    with two_clusters(program) as found:
        found.put("east", "pod", pod("api-7d4-b"))
        found.put("east", "pod", pod("api-7d4-a"))
        other = {"metadata": {"namespace": "tenant-globex", "labels": {"app": "web"}}}
        broken = {"status": {"containerStatuses": BROKEN}}
        found.put("west", "pod", pod("web-7d4-c", merged(other, broken)))
        yield found


def names(program: Program, *words: str) -> list[str]:
    code, out = program.run("get", *words, "-o", "name")
    assert code == Exit.OK, program.errors
    return out.splitlines()


EAST = ["east/tenant-acme/api-7d4-a", "east/tenant-acme/api-7d4-b"]
WEST = ["west/tenant-globex/web-7d4-c"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["pods", "-A"], EAST + WEST),
        (["po"], EAST + WEST),
        (["pods", "-n", "tenant-acme"], EAST),
        (["pods", "--context", "w*"], WEST),
        (["pods", "@west"], WEST),
        (["pods", "app=web"], WEST),
        (["pods", "-l", "app in (api),app!=web"], EAST),
        (["pods", "-l", "!app"], []),
        (["pods", "/7d4-[bc]"], [EAST[1], *WEST]),
        (["pods", "/!7d4-[bc]"], [EAST[0]]),
        (["pods", "/-l app=web"], WEST),
        (["pods", "/-f 7b"], [EAST[1]]),
        (["pods", "--only-faults"], WEST),
        (["pods", "api-7d4-a"], [EAST[0]]),
        (["pod/api-7d4-a"], [EAST[0]]),
        (["pods", WEST[0]], WEST),
        (["pods", "--field-selector", "metadata.namespace=tenant-globex"], WEST),
        (["pods", "--field-selector", "spec.nodeName!=node-1"], []),
        (["pods", "--sort-by", "-name"], [*WEST, EAST[1], EAST[0]]),
        (["pods", "--sort-by", "state"], [*WEST, *EAST]),
    ],
)
def test_arguments_choose_rows(
    program: Program, site: Site, words: list[str], found: list[str]
) -> None:
    assert names(program, *words) == found


def test_table_has_titles_cluster_first_and_a_word_for_the_state(
    program: Program, site: Site
) -> None:
    code, out = program.run("get", "pods")
    titles, first, _, last = out.splitlines()
    assert code == Exit.OK
    assert titles.split()[:3] == ["CLUSTER", "NAMESPACE", "NAME"]
    assert first.split()[:3] == ["east", "tenant-acme", "api-7d4-a"]
    assert "✗ CrashLoopBackOff" in last
    assert "\x1b" not in out
    assert program.errors == ""


def test_wide_has_more_columns_and_no_headers_none(program: Program, site: Site) -> None:
    narrow = program.run("get", "pods")[1].splitlines()[0].split()
    wide = program.run("get", "pods", "-o", "wide")[1].splitlines()[0]
    assert "OWNER" in wide
    assert "OWNER" not in narrow
    assert len(program.run("get", "pods", "--no-headers")[1].splitlines()) == 3


def test_json_has_items_and_sources(program: Program, site: Site) -> None:
    shown = program.json("get", "pods", "-o", "json")
    assert shown["kind"] == "pod"
    first, last = shown["items"][0], shown["items"][-1]
    assert (first["cluster"], first["namespace"], first["name"]) == tuple(EAST[0].split("/"))
    assert (first["word"], first["tone"], first["freshness"]) == ("Running", "ok", "fresh")
    assert first["ownerName"] == "api"
    assert first["observedAt"].endswith("Z")
    assert first["created"] == "2026-11-23T11:00:00.000Z"
    assert (last["word"], last["tone"]) == ("CrashLoopBackOff", "bad")
    lines = {(line["cluster"], line["source"]): line for line in shown["sources"]}
    assert lines["east", "pod"]["state"] == "live"
    assert lines["west", "cluster"]["error"] == ""
    assert lines["east", "pod"]["ageSeconds"] >= 0


def test_yaml_says_the_same_as_json(program: Program, site: Site) -> None:
    shown = yaml.safe_load(program.run("get", "pods", "-o", "yaml")[1])
    assert [one["name"] for one in shown["items"]] == ["api-7d4-a", "api-7d4-b", "web-7d4-c"]


@pytest.mark.parametrize("kind", list(views()))
def test_json_of_every_kind_keeps_its_schema(program: Program, site: Site, kind: str) -> None:
    site.put("east", "deployment", deployment())
    site.put("east", "hpa", hpa())
    shown = program.json("get", kind, "-o", "json")
    schema = get_schema()
    assert violations(shown, schema, schema) == []


@pytest.mark.parametrize(
    "harm",
    [
        lambda shown: shown.pop("sources"),
        lambda shown: shown["items"][0].pop("word"),
        lambda shown: shown["items"][0].update(tone="purple"),
        lambda shown: shown["items"][0].update(restarts="many"),
        lambda shown: shown["sources"][0].update(state="odd"),
    ],
)
def test_the_schema_refuses_what_is_wrong(program: Program, site: Site, harm: Any) -> None:
    shown = program.json("get", "pods", "-o", "json")
    harm(shown)
    schema = get_schema()
    assert violations(shown, schema, schema)


def test_a_dead_cluster_makes_the_output_partial_and_says_so(program: Program, site: Site) -> None:
    site.apis["west"].fault(always(lambda: status(503, "etcd is gone")))
    code, out = program.run("get", "pods", "-o", "json")
    shown = json.loads(out)
    assert code == Exit.PARTIAL
    assert [one["name"] for one in shown["items"]] == ["api-7d4-a", "api-7d4-b"]
    assert "incomplete: west" in program.errors
    failing = [line for line in shown["sources"] if line["cluster"] == "west"]
    assert {line["state"] for line in failing} == {"failing"}
    assert "etcd is gone" in failing[0]["error"]


def test_refused_credentials_alone_are_an_auth_exit(program: Program, site: Site) -> None:
    site.apis["west"].fault(always(lambda: status(401, "Unauthorized")))
    assert program.run("get", "pods")[0] == Exit.AUTH
    site.apis["east"].fault(always(lambda: status(500, "broken")))
    assert program.run("get", "pods")[0] == Exit.PARTIAL


def test_forbidden_kind_is_an_auth_exit_and_the_others_are_shown(
    program: Program, site: Site
) -> None:
    site.apis["west"].fault(always(lambda: status(403, "forbidden")), "/api/v1/pods")
    code, out = program.run("get", "pods", "-o", "name")
    assert code == Exit.AUTH
    assert out.splitlines() == EAST
    assert "incomplete: west: pod:" in program.errors


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["pds"], "pods"),
        (["pods", "--context", "esat"], "east"),
        (["pods", "@nowhere"], ""),
        (["pods", "/["], "regular expression"),
        (["pods", "-l", "a b c"], "selector"),
        (["pods", "--field-selector", "spec.x=1"], "metadata.name"),
        (["pods", "--sort-by", "weight"], "Restarts"),
        (["pods", "-A", "-n", "x"], ""),
        (["pods", "-w", "-o", "yaml"], ""),
    ],
)
def test_wrong_words_are_refused_with_the_nearest_right_one(
    program: Program, site: Site, words: list[str], hint: str
) -> None:
    code, out = program.run("get", *words)
    assert code == Exit.USAGE
    assert out == ""
    assert hint in program.errors


def test_a_name_that_is_not_there_is_a_problem(program: Program, site: Site) -> None:
    code, out = program.run("get", "pods", "nobody", "api-7d4-a", "-o", "name")
    assert (code, out.splitlines()) == (Exit.PROBLEMS, [EAST[0]])
    assert "nobody" in program.errors


def test_nothing_found_leaves_stdout_empty(program: Program, site: Site) -> None:
    code, out = program.run("get", "statefulsets")
    assert (code, out) == (Exit.OK, "")
    assert "no statefulsets found" in program.errors


def start(program: Program, *words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "console", "--kubeconfig", str(program.kubeconfig)]
    return subprocess.Popen(
        [*command, "--fleet", str(program.fleet), *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_watching_tells_what_comes_changes_and_goes(program: Program, site: Site) -> None:
    with start(program, "get", "pods", "@west", "-w", "-o", "json") as process:
        assert process.stdout is not None
        try:
            first = json.loads(process.stdout.readline())
            assert (first["type"], first["object"]["name"]) == ("ADDED", "web-7d4-c")
            site.put("west", "pod", pod("new-7d4-d"))
            assert json.loads(process.stdout.readline())["object"]["name"] == "new-7d4-d"
            site.put("west", "pod", pod("new-7d4-d", {"status": {"containerStatuses": BROKEN}}))
            changed = json.loads(process.stdout.readline())
            assert (changed["type"], changed["object"]["tone"]) == ("MODIFIED", "bad")
            site.delete("west", "pod", "tenant-acme", "new-7d4-d")
            assert json.loads(process.stdout.readline())["type"] == "DELETED"
        finally:
            process.terminate()


def test_a_reader_that_goes_away_is_no_error(program: Program, site: Site) -> None:
    for number in range(300):
        site.put("west", "pod", pod(f"many-7d4-{number}"))
    with start(program, "get", "pods", "-o", "json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 0


def test_headless_commands_load_no_screens(program: Program, site: Site) -> None:
    script = (
        "import sys; from console.cli.root import run;"
        "code = run(sys.argv[1:]);"
        "bad = [n for n in sys.modules if n.split('.')[0] in ('textual', 'screens', 'boto3')];"
        "sys.stderr.write(' '.join(bad)); sys.exit(code)"
    )
    words = ["--kubeconfig", str(program.kubeconfig), "--fleet", str(program.fleet), "get", "pods"]
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_black_holed_cluster_ends_at_the_deadline(program: Program, site: Site) -> None:
    site.apis["west"].fault(black_hole)
    code, out = program.run("--request-timeout", "3", "get", "pods", "-o", "name")
    assert (code, out.splitlines()) == (Exit.PARTIAL, EAST)
