"""A cluster is gone: the others are shown, and its row says so."""

from tests.stories.fleet import EmbeddedFleet
from tests.stories.screen import at_the_console


async def test_at_the_screens_a_dead_cluster_does_not_hide_the_others(
    fleet: EmbeddedFleet,
) -> None:
    fleet.fault("down", "prod-eu-central-1")
    async with at_the_console(fleet.session(), (200, 50)) as person:
        await person.waits_for("euc1", "https://127.0.0.1", "try in")
        await person.commands("hpa")
        await person.waits_for("usw2", "apse1", "PINNED MAX")


async def test_a_cluster_that_dies_keeps_its_rows_marked_as_old(fleet: EmbeddedFleet) -> None:
    async with at_the_console(fleet.session()) as person:
        await person.commands("tenant @euc1")
        await person.waits_for("euc1")
        rows = person.sees.count("euc1")
        fleet.fault("down", "prod-eu-central-1")
        await person.waits(lambda: "~" in person.sees or "? " in person.sees, "an age mark")
        assert person.sees.count("euc1") >= rows


def test_without_a_screen_the_answer_is_marked_incomplete(fleet: EmbeddedFleet) -> None:
    fleet.fault("down", "prod-eu-central-1")
    said = fleet.cli("--request-timeout", "3", "get", "tenants", "-o", "json")
    assert said.code == 3
    clusters = {item["cluster"] for item in said.json["items"]}
    assert {"usw2", "apse1"} <= clusters
    failing = [line for line in said.json["sources"] if line["cluster"] == "euc1"]
    assert any(line["error"] for line in failing)
