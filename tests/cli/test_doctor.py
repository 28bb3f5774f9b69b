import ssl
import sys
import time
from email.utils import formatdate
from pathlib import Path

import msgspec
import pytest

from console.cli.doctor import exit_for
from console.cli.examination import Check, Report, State, examine_clusters
from console.cli.exits import Exit
from console.clock import SystemClock
from console.config import Cluster, Role, Thresholds
from console.links.kube.kubeconfig import ExecPlugin, KubeEntry, KubeUser
from console.resources import views
from tests.cli.conftest import Program
from tests.links.client_certificate import make_pair
from tests.links.fake_api import always, black_hole, serve, status

TOKEN = KubeUser(name="sre", token="abc")


def cluster(server: str, user: KubeUser = TOKEN, **more: object) -> Cluster:
    entry = KubeEntry(context="one", cluster="one", server=server, user=user, **more)  # type: ignore[arg-type]
    return Cluster(
        alias="one",
        context="one",
        role=Role.TENANT,
        server=server,
        entry=entry,
        insecure=entry.insecure,
    )


async def examine(*clusters: Cluster, within: float = 5.0) -> list[Check]:
    return await examine_clusters(clusters, Thresholds(), SystemClock(), within)


def found(checks: list[Check], name: str) -> Check:
    (check,) = (check for check in checks if check.name == name)
    return check


def serving_everything(collections: dict[str, dict[tuple[str, str], dict[str, object]]]) -> None:
    for view in views().values():
        if view.source is not None:
            collections.setdefault(view.source.path, {})


async def test_a_healthy_cluster_passes_every_check() -> None:
    async with serve() as api:
        serving_everything(api.collections)
        api.token = "abc"
        checks = await examine(cluster(api.url))
    assert {check.state for check in checks} <= {State.OK, State.NOTE}
    assert found(checks, "user").detail == "sre by token"
    assert "Kubernetes v1.35.2" in found(checks, "reach").detail
    assert "hpa" in found(checks, "lists").detail
    assert exit_for(checks) is Exit.OK
    assert not api.writes


async def test_a_forbidden_kind_is_named_and_an_absent_one_is_no_problem() -> None:
    async with serve() as api:
        serving_everything(api.collections)
        api.fault(always(lambda: status(403, "nodes is forbidden")), "/api/v1/nodes")
        del api.collections["/api/v1/events"]
        checks = await examine(cluster(api.url))
    assert found(checks, "list node").state is State.PROBLEM
    assert "nodes is forbidden" in found(checks, "list node").detail
    assert found(checks, "list event").state is State.NOTE
    assert exit_for(checks) is Exit.PROBLEMS


async def test_refused_credentials_exit_4() -> None:
    async with serve() as api:
        api.token = "other"
        checks = await examine(cluster(api.url))
    assert found(checks, "login").state is State.AUTH
    assert exit_for(checks) is Exit.AUTH


async def test_a_failing_plugin_exits_4_with_what_it_said() -> None:
    broken = ExecPlugin(
        api_version="client.authentication.k8s.io/v1",
        command=sys.executable,
        args=("-c", "import sys; sys.exit('SSO session has expired')"),
    )
    checks = await examine(cluster("http://127.0.0.1:1", KubeUser(name="sre", plugin=broken)))
    assert "SSO session has expired" in found(checks, "login").detail
    assert found(checks, "login").remedy == "log in: `aws sso login`"
    assert exit_for(checks) is Exit.AUTH


async def test_a_clock_an_hour_off_is_a_problem() -> None:
    async with serve() as api:
        serving_everything(api.collections)
        late = formatdate(time.time() - 3600, usegmt=True)
        version = always(lambda: status(200, "", Date=late))
        api.fault(version, "/version")
        checks = await examine(cluster(api.url))
    assert found(checks, "clock").state is State.PROBLEM
    assert "behind ours" in found(checks, "clock").detail


async def test_a_dead_and_a_silent_cluster_delay_no_other() -> None:
    async with serve() as silent, serve() as healthy:
        silent.fault(black_hole)
        serving_everything(healthy.collections)
        checks = await examine(
            cluster("http://127.0.0.1:1"), cluster(silent.url), cluster(healthy.url), within=1.0
        )
    reached = [check for check in checks if check.name == "reach"]
    assert [check.state for check in reached] == [
        State.UNREACHABLE,
        State.UNREACHABLE,
        State.OK,
    ]
    assert "connection refused" in reached[0].detail
    assert "in time" in reached[1].detail
    assert exit_for(checks) is Exit.PARTIAL


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    for name, content in zip(("crt", "key"), make_pair(days=3), strict=True):
        (tmp_path / name).write_bytes(content)
    return tmp_path


def tls(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "crt", folder / "key")
    return context


async def test_a_wrong_authority_is_unreachable_and_named(certificate: Path) -> None:
    async with serve(tls(certificate)) as api:
        checks = await examine(cluster(api.url))
    assert "certificate" in found(checks, "reach").detail
    assert exit_for(checks) is Exit.PARTIAL


async def test_unverified_tls_is_marked(certificate: Path) -> None:
    async with serve(tls(certificate)) as api:
        serving_everything(api.collections)
        checks = await examine(cluster(api.url, insecure=True))
    assert found(checks, "tls").detail.startswith("NOT VERIFIED")
    assert found(checks, "reach").state is State.OK


async def test_a_client_certificate_that_ends_soon_is_a_problem(certificate: Path) -> None:
    user = KubeUser(
        name="sre",
        certificate=(certificate / "crt").read_bytes(),
        key_file=str(certificate / "key"),
    )
    async with serve(tls(certificate)) as api:
        serving_everything(api.collections)
        checks = await examine(cluster(api.url, user, ca_file=str(certificate / "crt")))
    assert "our client certificate ends in" in found(checks, "certificate").detail
    assert found(checks, "reach").state is State.OK
    assert exit_for(checks) is Exit.PROBLEMS


async def test_an_ended_client_certificate_exits_4(certificate: Path) -> None:
    class Later(SystemClock):
        def now(self) -> float:
            return super().now() + 10 * 86400

    user = KubeUser(
        name="sre",
        certificate=(certificate / "crt").read_bytes(),
        key_file=str(certificate / "key"),
    )
    checks = await examine_clusters(
        [cluster("http://127.0.0.1:1", user)], Thresholds(), Later(), 1.0
    )
    assert "our client certificate ended" in checks[-1].detail
    assert exit_for(checks) is Exit.AUTH


def test_logging_in_comes_before_reaching_and_repairing() -> None:
    checks = [
        Check(area="a", name="n", state=state)
        for state in (State.PROBLEM, State.UNREACHABLE, State.AUTH)
    ]
    assert exit_for(checks) is Exit.AUTH
    assert exit_for(checks[:2]) is Exit.PARTIAL
    assert exit_for(checks[:1]) is Exit.PROBLEMS


def test_unreachable_clusters_exit_3_and_the_table_says_why(program: Program) -> None:
    code, text = program.run("doctor")
    assert code == 3
    assert "✗ reach" in text
    assert "connection refused" in text
    assert "NOT VERIFIED" in text
    assert "hunter2" not in text


def test_a_scope_asks_only_its_clusters(program: Program) -> None:
    told = program.json("--context", "lab", "doctor", "-o", "json")
    assert {check["area"] for check in told["checks"]} == {"machine", "files", "lab"}


def test_the_json_is_what_its_schema_says(program: Program) -> None:
    told = msgspec.json.decode(program.run("doctor", "-o", "json")[1], type=Report, strict=True)
    assert told.problems == sum(check.state not in {State.OK, State.NOTE} for check in told.checks)


def test_a_broken_configuration_is_one_of_the_findings(program: Program) -> None:
    program.fleet.write_text("clusers: []\n")
    told = program.json("doctor", "-o", "json")
    (problem,) = (check for check in told["checks"] if check["name"] == "configuration")
    assert f"{program.fleet}:1: unknown key 'clusers'" in problem["detail"]
    assert told["problems"] == 1
    assert program.run("doctor")[0] == 1


def test_a_context_that_cannot_be_used_is_a_problem_beside_the_others(program: Program) -> None:
    text = program.kubeconfig.read_text()
    program.kubeconfig.write_text(text + "- {name: lost, context: {cluster: nowhere}}\n")
    details = [check["detail"] for check in program.json("doctor", "-o", "json")["checks"]]
    assert any("context 'lost' names the cluster 'nowhere'" in detail for detail in details)


def test_a_broken_action_of_the_operator_is_a_problem(program: Program) -> None:
    folder = program.home / "data" / "shifu-console" / "actions"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("kind: Acton\n")
    checks = program.json("doctor", "-o", "json")["checks"]
    (problem,) = (check for check in checks if "mine.yaml" in check["detail"])
    assert problem["state"] == "problem"


def test_a_journal_that_cannot_be_written_is_a_problem(program: Program) -> None:
    (program.home / "state").write_text("in the way")
    checks = program.json("doctor", "-o", "json")["checks"]
    (problem,) = (check for check in checks if check["name"] == "journal")
    assert problem["state"] == "problem"
    assert "cannot be written" in problem["detail"]


def test_an_unknown_context_exits_2_with_the_nearest_name(program: Program) -> None:
    code, _ = program.run("--context", "usw3", "doctor")
    assert code == 2
    assert "did you mean usw2" in program.errors
