"""A tenant is slow: its autoscaler is pinned at its maximum. Somebody raises it."""

from textual.widgets import Input

from screens.form import FormScreen
from screens.picker import PickerScreen
from screens.plan import PlanScreen
from screens.run import RunScreen
from tests.stories.fleet import EmbeddedFleet
from tests.stories.screen import at_the_console


async def test_at_the_screens_the_pinned_tenant_is_found_and_its_maximum_raised(
    fleet: EmbeddedFleet,
) -> None:
    async with at_the_console(fleet.session()) as person:
        # Home: the whole fleet, live.
        await person.waits_for("mgmt", "usw2")

        # All autoscalers of all clusters, then only what is wrong.
        await person.commands("hpa")
        await person.waits_for("PINNED MAX")
        await person.press("ctrl+z")
        await person.types("/acme")
        await person.press("enter")
        await person.waits_for("PINNED MAX", "acme")

        # What can be done about it: the form knows the tenant and shows what holds now.
        await person.press("a")
        await person.waits(lambda: isinstance(person.app.screen, PickerScreen), "the picker")
        await person.press("enter")
        await person.waits(lambda: isinstance(person.app.screen, FormScreen), "the form")
        await person.waits_for("now 6")
        person.app.screen.query_one("#input-max", Input).value = "10"
        person.app.screen.query_one("#input-reason", Input).value = "exam week"
        await person.press("ctrl+o")

        # The plan says where it acts and what changes; enter alone does nothing.
        await person.waits(lambda: isinstance(person.app.screen, PlanScreen), "the plan")
        await person.waits_for("PROD", "READY", "spec.maxReplicas", "raised by 4")
        await person.press("enter")
        await person.waits_for("Type acme")
        await person.types("acme")
        await person.press("enter")

        # The run, step by step, until the autoscaler has made use of it.
        await person.waits(lambda: isinstance(person.app.screen, RunScreen), "the run")
        await person.waits_for("SUCCEEDED", seconds=90)

        # And it is in the history.
        await person.press("escape")
        await person.commands("runs")
        await person.waits_for("Runs >", "SUCCEEDED", "usw2/acme", "exam week")


def test_without_a_screen_the_same_is_found_planned_run_and_kept(fleet: EmbeddedFleet) -> None:
    listed = fleet.cli("get", "hpa", "-A", "-o", "json")
    assert listed.code == 0, listed.err
    pinned = [item for item in listed.json["items"] if item["word"] == "PINNED MAX"]
    assert ("usw2", "ai-shifu-api") in {(item["cluster"], item["name"]) for item in pinned}

    words = ("scale-tenant", "acme", "--context", "prod-us-west-2", "--max", "10")
    why = ("--reason", "exam week", "-o", "json")
    planned = fleet.cli("plan", *words, *why)
    assert planned.code == 0, planned.err
    plan = planned.json
    hunks = [hunk for step in plan["steps"] for hunk in step["hunks"]]
    assert [(hunk["field"], hunk["before"], hunk["after"]) for hunk in hunks] == [
        ("spec.maxReplicas", 6, 10)
    ]

    ran = fleet.cli("run", *words, *why, "--yes", "--plan-id", plan["planId"])
    assert ran.code == 0, ran.err
    assert ran.json["state"] == "succeeded"

    again = fleet.cli("run", *words, *why, "--yes", "--plan-id", plan["planId"])
    assert again.code == 5, "a plan is spent once"

    shown = fleet.cli("runs", "show", ran.json["runId"], "-o", "json")
    assert shown.json["runId"] == ran.json["runId"]
    history = fleet.cli("runs", "list", "-o", "json")
    assert ran.json["runId"] in history.out
