"""Plans say what will change and everything that stands against it; they write nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from actions.model import Finding, Plan
from console.config import Freeze, Guards, Settings
from console.errors import ConfigError, UnreachableError
from tests.actions.fakes import FakeCluster, Scene, application, tenant_cluster


async def planned(scene: Scene, **inputs: Any) -> Plan:
    given = {"max": 9, "reason": "launch", **inputs}
    return await scene.desk.plan(
        "scale-tenant", "acme", {name: value for name, value in given.items() if value is not None}
    )


def named(plan: Plan, check: str) -> Finding:
    return next(finding for finding in plan.findings if finding.check == check)


async def test_a_plan_shows_the_change_and_writes_nothing(scene: Scene) -> None:
    plan = await planned(scene)
    assert plan.refusals == ()
    (hunk,) = plan.steps[0].hunks
    assert (hunk.field, hunk.before, hunk.after) == ("spec.maxReplicas", 6, 9)
    assert hunk.object == "horizontalpodautoscaler/ai-shifu-api"
    assert scene.tenant.writes == scene.management.writes == []


async def test_a_bound_left_out_stays_what_it_is(scene: Scene) -> None:
    plan = await planned(scene)
    assert plan.inputs["min"] == 2
    assert plan.steps[0].values == {"component": "api", "min": 2, "max": 9}


async def test_the_form_gets_the_live_values(scene: Scene) -> None:
    plan = await planned(scene)
    found = await scene.desk.current_inputs("scale-tenant", plan.target)
    assert (found["min"], found["max"]) == (2, 6)


def read_only(scene: Scene) -> None:
    scene.fleet.read_only = "READ mode"


def protect(scene: Scene) -> None:
    guard(scene, Guards(protected_tenants=("ac*",)))


def freeze(scene: Scene) -> None:
    now = datetime.fromtimestamp(scene.clock.now(), UTC)
    hour = timedelta(hours=1)
    times = Freeze(start=now - hour, end=now + hour, reason="release", clusters=("us*",))
    guard(scene, Guards(freezes=(times,)))


def guard(scene: Scene, guards: Guards) -> None:
    scene.fleet.inventory = msgspec.structs.replace(
        scene.fleet.inventory, settings=Settings(guards=guards)
    )


def forbid(scene: Scene) -> None:
    scene.tenant.denied.add("patch horizontalpodautoscalers")


def forbid_leases(scene: Scene) -> None:
    scene.management.denied.add("create leases")


def fill_quota(scene: Scene) -> None:
    quota = scene.tenant.find("resourcequotas", "tenant-acme", "tenant-quota")
    quota["status"]["used"]["pods"] = "43"


def drop_hpa(scene: Scene) -> None:
    del scene.tenant.objects["horizontalpodautoscalers", "tenant-acme", "ai-shifu-api"]


def heal(scene: Scene) -> None:
    scene.management.put("applications", application(ignores=False))


def lose_management(scene: Scene) -> None:
    scene.management.broken = UnreachableError("mgmt: no route")


def mark_argo(scene: Scene) -> None:
    scene.fleet.managed = False
    scene.hpa["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": "t-acme:x"}
    scene.tenant.put("namespaces", {"metadata": {"name": "shifu-ops"}})


REFUSED: list[tuple[Callable[[Scene], None], str, bool | None, str]] = [
    (read_only, "read-only", False, "READ mode"),
    (protect, "protected", False, "acme is protected"),
    (freeze, "freeze", False, "release"),
    (forbid, "permission", False, "may not patch horizontalpodautoscalers"),
    (forbid_leases, "lock", False, "may not create leases"),
    (fill_quota, "quota.fits", False, "needs 6 more, 2 of 45 is free"),
    (drop_hpa, "step bounds", False, "no autoscaler is of component api"),
    (heal, "gitops.keeps", False, "would set spec.minReplicas, spec.maxReplicas back"),
    (lose_management, "gitops.keeps", None, "cannot be read"),
    (lose_management, "lock", None, "cannot be read"),
    (mark_argo, "gitops.keeps", None, "an Argo CD that cannot be reached"),
]


@pytest.mark.parametrize(("spoil", "check", "ok", "said"), REFUSED)
async def test_what_stands_against_a_plan_is_in_it(
    scene: Scene, spoil: Callable[[Scene], None], check: str, ok: bool | None, said: str
) -> None:
    spoil(scene)
    plan = await planned(scene)
    finding = named(plan, check)
    assert finding in plan.refusals
    assert finding.ok is ok
    assert said in finding.message
    assert finding.remedy
    assert scene.tenant.writes == scene.management.writes == []


@pytest.mark.parametrize(
    ("inputs", "check", "said"),
    [
        ({"min": 10}, "hpa.bounds", "min 10 is above max 9"),
        ({"min": 10}, "require", "min 10 is above max 9"),
        ({"max": 6}, "hpa.bounds", "nothing would change"),
        ({"max": None}, "hpa.bounds", "nothing would change"),
        ({"component": "web"}, "step bounds", "autoscalers there: ai-shifu-api"),
    ],
)
async def test_inputs_that_make_no_sense_here_are_refused(
    scene: Scene, inputs: dict[str, Any], check: str, said: str
) -> None:
    plan = await planned(scene, **inputs)
    messages = [f"{f.message} {f.remedy}" for f in plan.refusals if f.check == check]
    assert any(said in message for message in messages), messages


async def test_lowering_max_says_how_many_pods_go(scene: Scene) -> None:
    plan = await planned(scene, max=4)
    assert any("2 will be stopped" in finding.message for finding in plan.warnings)
    assert plan.refusals == ()


async def test_taking_a_field_over_is_said_before(scene: Scene) -> None:
    plan = await planned(scene)
    said = [finding.message for finding in plan.warnings]
    assert "maxReplicas was set by kubectl-create; the run takes the field over" in said


async def test_an_autoscaler_without_metrics_is_a_warning(scene: Scene) -> None:
    active = {"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric"}
    scene.hpa["status"]["conditions"][0] = active
    plan = await planned(scene)
    assert named(plan, "hpa.metrics") in plan.warnings
    assert plan.refusals == ()


async def test_an_application_that_ignores_the_fields_keeps_the_change(scene: Scene) -> None:
    scene.management.put("applications", application())
    plan = await planned(scene)
    assert named(plan, "gitops.keeps").ok is True


async def test_an_application_elsewhere_is_not_the_owner(scene: Scene) -> None:
    other = application(ignores=False)
    other["spec"]["destination"]["name"] = "euc1"
    scene.management.put("applications", other)
    assert named(await planned(scene), "gitops.keeps").ok is True


async def test_a_changed_policy_changes_the_fingerprint(scene: Scene) -> None:
    scene.management.put("applications", application())
    before = await planned(scene)
    scene.management.find("applications", "argocd", "t-acme")["spec"]["syncPolicy"] = {}
    after = await planned(scene)
    assert before.fingerprint != after.fingerprint


async def test_the_same_world_gives_the_same_fingerprint(scene: Scene) -> None:
    assert (await planned(scene)).fingerprint == (await planned(scene)).fingerprint


async def test_a_name_in_two_clusters_is_ambiguous(scene: Scene) -> None:
    twin = tenant_cluster("euc1")
    fleet = scene.fleet
    fleet.__init__(scene.clock, scene.management, scene.tenant, twin)  # type: ignore[misc]
    with pytest.raises(ConfigError, match=r"2 places: euc1/tenant-acme/acme, usw2/tenant-acme"):
        await planned(scene)
    plan = await scene.desk.plan(
        "scale-tenant", "acme", {"max": 9, "reason": "x"}, clusters=("usw2",)
    )
    assert plan.target.cluster == "usw2"


async def test_an_unknown_name_says_the_nearest(scene: Scene) -> None:
    with pytest.raises(ConfigError, match="did you mean acme"):
        await scene.desk.plan("scale-tenant", "acne", {"max": 9, "reason": "x"})


async def test_a_name_not_found_says_which_clusters_did_not_answer(scene: Scene) -> None:
    scene.tenant.broken = UnreachableError("usw2: no route")
    with pytest.raises(ConfigError, match="not searched: usw2: usw2: no route"):
        await planned(scene)


async def test_a_silent_cluster_that_might_have_the_name_too_is_a_warning(scene: Scene) -> None:
    other = FakeCluster("euc1")
    other.broken = UnreachableError("euc1: no route")
    scene.fleet.__init__(scene.clock, scene.management, scene.tenant, other)  # type: ignore[misc]
    plan = await planned(scene)
    assert any("not searched for another acme: euc1" in f.message for f in plan.warnings)


async def test_a_quota_is_summed_with_the_surge(scene: Scene) -> None:
    quota = scene.tenant.find("resourcequotas", "tenant-acme", "tenant-quota")
    quota["spec"]["hard"] = {"requests.cpu": "12"}
    assert named(await planned(scene, max=9), "quota.fits").ok is True
    finding = named(await planned(scene, max=10), "quota.fits")
    assert finding.ok is False
    assert "requests.cpu: needs 7 more, 6 of 12 is free" in finding.message
