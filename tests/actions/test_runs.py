"""Runs: carried out once, verified, undone, cancelled, resumed, and never on a moved world."""

from collections.abc import Callable
from typing import Any

import pytest

from actions.model import Plan, Run, RunState, StepOutcome
from actions.world import ObjectRef
from console.errors import (
    ConsoleError,
    ForbiddenError,
    JournalError,
    LockedError,
    OutcomeUnknownError,
    ReadOnlyError,
    RefusedError,
    StalePlanError,
    UnreachableError,
)
from console.record import Key
from tests.actions.fakes import Scene, unpin, until

HPA = "horizontalpodautoscalers"


async def planned(scene: Scene, **inputs: Any) -> Plan:
    return await scene.desk.plan("scale-tenant", "acme", {"max": 9, "reason": "launch", **inputs})


async def carried_out(scene: Scene, plan: Plan) -> Run:
    return await scene.desk.wait(await scene.desk.run(plan, typed="acme"))


def verifying(scene: Scene, run_id: str) -> bool:
    run = scene.fleet.look.get(Key("usw2", "run", "tenant-acme", run_id))
    assert isinstance(run, Run)
    return run.steps[1].outcome is StepOutcome.RUNNING


def failing(error: ConsoleError, *, times: int = 1) -> Callable[[str, ObjectRef], None]:
    left = times

    def fail(_verb: str, ref: ObjectRef) -> None:
        nonlocal left
        if ref.plural == HPA and left:
            left -= 1
            raise error

    return fail


async def test_a_run_changes_the_bounds_once_and_says_before_and_after(scene: Scene) -> None:
    run = await carried_out(scene, await planned(scene))
    assert run.state is RunState.SUCCEEDED
    assert scene.bounds == (2, 9)
    assert scene.applies == 1
    assert (run.outputs["before"]["max"], run.outputs["after"]["max"]) == (6, 9)
    assert [step.outcome for step in run.steps] == [StepOutcome.DONE] * 3


async def test_a_run_is_seen_in_the_store_as_it_ends(scene: Scene) -> None:
    run = await carried_out(scene, await planned(scene))
    seen = scene.fleet.look.get(run.key)
    assert isinstance(seen, Run)
    assert seen.state is RunState.SUCCEEDED


async def test_the_lock_is_free_after_a_run(scene: Scene) -> None:
    await carried_out(scene, await planned(scene))
    lease = scene.management.find("leases", "shifu-ops", "tenant-acme")
    assert lease["spec"]["holderIdentity"] == ""


async def test_the_wrong_word_starts_nothing(scene: Scene) -> None:
    plan = await planned(scene)
    with pytest.raises(RefusedError, match="type acme"):
        await scene.desk.run(plan, typed="amce")
    assert scene.desk.runs() == []
    assert scene.tenant.writes == scene.management.writes == []


async def test_a_plan_is_carried_out_once(scene: Scene) -> None:
    plan = await planned(scene)
    await carried_out(scene, plan)
    with pytest.raises(StalePlanError, match="already carried out"):
        await scene.desk.run(plan, typed="acme")
    assert scene.applies == 1


async def test_another_process_finds_the_plan_by_its_id(scene: Scene) -> None:
    plan = await planned(scene)
    other = scene.new_desk()
    run = await other.wait(await other.run(other.plan_by_id(plan.id), typed="acme"))
    await other.close()
    assert run.state is RunState.SUCCEEDED


def raise_max(scene: Scene) -> None:
    scene.hpa["spec"]["maxReplicas"] = 7


def make_anew(scene: Scene) -> None:
    scene.hpa["metadata"]["uid"] = "hpa-2"


def change_owner(scene: Scene) -> None:
    scene.hpa["metadata"]["managedFields"][0]["manager"] = "someone-else"


def change_target(scene: Scene) -> None:
    body = scene.tenant.find("deployments", "tenant-acme", "ai-shifu-api")
    copy = {**body, "metadata": {"name": "api", "namespace": "tenant-acme"}}
    scene.tenant.put("deployments", copy)
    scene.hpa["spec"]["scaleTargetRef"]["name"] = "api"


@pytest.mark.parametrize("move", [raise_max, make_anew, change_owner, change_target])
async def test_a_moved_world_is_refused_and_nothing_is_written(
    scene: Scene, move: Callable[[Scene], None]
) -> None:
    plan = await planned(scene)
    move(scene)
    with pytest.raises(StalePlanError, match="the world moved"):
        await scene.desk.run(plan, typed="acme")
    assert scene.applies == 0
    assert scene.desk.runs()[0].state is RunState.CANCELLED


async def test_a_new_status_does_not_make_a_plan_stale(scene: Scene) -> None:
    plan = await planned(scene)
    scene.hpa["status"]["currentReplicas"] = 5
    scene.hpa["metadata"]["resourceVersion"] = "another"
    assert (await carried_out(scene, plan)).state is RunState.SUCCEEDED


async def test_closing_the_cluster_after_the_plan_refuses_the_run(scene: Scene) -> None:
    plan = await planned(scene)
    scene.fleet.read_only = "READ mode"
    with pytest.raises(ReadOnlyError):
        await scene.desk.run(plan, typed="acme")
    assert scene.tenant.writes == scene.management.writes == []


async def test_a_locked_tenant_names_the_holder_and_the_plan_stays_good(scene: Scene) -> None:
    plan = await planned(scene)
    spec = {
        "holderIdentity": "bob@desk-2/elsewhere/1",
        "leaseDurationSeconds": 60,
        "acquireTime": "2027-01-15T08:00:00Z",
    }
    metadata = {
        "name": "tenant-acme",
        "namespace": "shifu-ops",
        "annotations": {"ai-shifu.io/step": "bounds"},
    }
    scene.management.put("leases", {"metadata": metadata, "spec": spec})
    spec["renewTime"] = "2099-01-01T00:00:00Z"
    with pytest.raises(LockedError, match=r"bob@desk-2 since 2027-01-15.*step bounds"):
        await scene.desk.run(plan, typed="acme")
    assert scene.applies == 0
    spec["holderIdentity"] = ""
    assert (await carried_out(scene, plan)).state is RunState.SUCCEEDED


async def test_a_missing_lock_namespace_says_how_to_make_it(scene: Scene) -> None:
    del scene.management.objects["namespaces", "", "shifu-ops"]
    plan = await planned(scene)
    (refusal,) = plan.refusals
    assert "create namespace shifu-ops" in refusal.remedy


async def test_a_lost_answer_is_looked_up_and_not_repeated(scene: Scene) -> None:
    plan = await planned(scene)
    scene.tenant.after_write = failing(OutcomeUnknownError("the answer was lost"))
    unpin(scene.tenant)
    run = await carried_out(scene, plan)
    assert run.state is RunState.SUCCEEDED
    assert scene.applies == 1
    phases = [event.phase for event in scene.journal.events(run.id) if event.step == "bounds"]
    assert phases == ["intent", "observe", "verify"]


async def test_a_call_that_never_arrived_is_made_again(scene: Scene) -> None:
    plan = await planned(scene)
    scene.tenant.before_write = failing(UnreachableError("refused"), times=2)
    run = await carried_out(scene, plan)
    assert run.state is RunState.SUCCEEDED
    assert run.steps[0].attempts == 3
    assert scene.applies == 1


async def test_a_refused_call_ends_the_run_with_nothing_changed(scene: Scene) -> None:
    plan = await planned(scene)
    scene.tenant.before_write = failing(ForbiddenError("no", status=403))
    run = await carried_out(scene, plan)
    assert run.state is RunState.UNDONE
    assert scene.bounds == (2, 6)


async def test_an_answer_that_stays_lost_pauses_the_run_as_unknown(scene: Scene) -> None:
    plan = await planned(scene)

    def vanish(_verb: str, ref: ObjectRef) -> None:
        if ref.plural == HPA:
            scene.tenant.broken = UnreachableError("down")
            raise OutcomeUnknownError("the answer was lost")

    scene.tenant.after_write = vanish
    run = await carried_out(scene, plan)
    assert run.state is RunState.PAUSED
    assert run.steps[0].outcome is StepOutcome.UNKNOWN
    scene.tenant.broken = None
    unpin(scene.tenant)
    resumed = await scene.desk.wait(await scene.desk.resume(run.id))
    assert resumed.state is RunState.SUCCEEDED
    assert scene.applies == 1


async def test_an_effect_that_does_not_show_pauses_unverified(scene: Scene) -> None:
    plan = await planned(scene)
    scene.tenant.after_write = lambda _verb, _ref: None
    run = await carried_out(scene, plan)
    assert run.state is RunState.PAUSED
    assert run.unverified
    assert "still held" in run.error
    assert scene.bounds == (2, 9)


async def test_cancel_while_verifying_puts_the_bounds_back(scene: Scene) -> None:
    plan = await planned(scene)
    scene.tenant.after_write = lambda _verb, _ref: None
    run_id = await scene.desk.run(plan, typed="acme")
    await until(lambda: verifying(scene, run_id))
    scene.desk.cancel(run_id)
    run = await scene.desk.wait(run_id)
    assert run.state is RunState.CANCELLED
    assert run.steps[0].outcome is StepOutcome.UNDONE
    assert scene.bounds == (2, 6)


async def test_undo_leaves_what_somebody_else_set_meanwhile(scene: Scene) -> None:
    plan = await planned(scene)

    def meddle(_verb: str, ref: ObjectRef) -> None:
        if ref.plural == HPA:
            scene.tenant.after_write = lambda _verb, _ref: None

    scene.tenant.after_write = meddle
    run_id = await scene.desk.run(plan, typed="acme")
    await until(lambda: verifying(scene, run_id))
    scene.hpa["spec"]["maxReplicas"] = 12
    scene.desk.cancel(run_id)
    run = await scene.desk.wait(run_id)
    assert run.state is RunState.FAILED
    assert "somebody else changed it" in run.error
    assert scene.bounds == (2, 12)


async def test_an_unusable_journal_writes_nothing_to_the_cluster(scene: Scene) -> None:
    plan = await planned(scene)
    scene.journal.close()
    scene.path.unlink()
    for side in ("-wal", "-shm"):
        scene.path.with_name(scene.path.name + side).unlink(missing_ok=True)
    scene.path.mkdir()
    with pytest.raises(JournalError, match="XDG_STATE_HOME"):
        await scene.desk.run(plan, typed="acme")
    assert scene.tenant.writes == scene.management.writes == []


async def test_a_plan_that_cannot_be_kept_is_refused_and_still_shown(scene: Scene) -> None:
    scene.path.mkdir()
    plan = await planned(scene)
    assert [finding.check for finding in plan.refusals] == ["journal"]
    assert plan.steps[0].hunks


async def test_a_paused_run_can_be_closed_and_then_is_over(scene: Scene) -> None:
    plan = await planned(scene)
    scene.tenant.after_write = lambda _verb, _ref: None
    run = await carried_out(scene, plan)
    closed = await scene.desk.close_run(run.id, reason="handled by hand")
    assert closed.state is RunState.FAILED
    assert "handled by hand" in closed.error
    with pytest.raises(RefusedError):
        await scene.desk.resume(run.id)


async def test_a_live_run_cannot_be_taken_over(scene: Scene) -> None:
    plan = await planned(scene)
    scene.tenant.after_write = lambda _verb, _ref: None
    run_id = await scene.desk.run(plan, typed="acme")
    other = scene.new_desk()
    with pytest.raises(ConsoleError):
        await other.resume(run_id)
    await other.close()
    scene.desk.cancel(run_id)
    await scene.desk.wait(run_id)
