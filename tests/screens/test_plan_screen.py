from io import StringIO
from typing import cast

import pytest
from rich.console import Console, Group
from syrupy.assertion import SnapshotAssertion
from textual.widgets import Button, Input

from actions.model import Finding, Level
from console.errors import ConfigError, LockedError, RefusedError, StalePlanError
from screens.plan import PlanScreen
from screens.plan_text import change, finding_word, plan_lines
from tests.screens.fake_desk import ACME, GITOPS, PASSED, ROOM, FakeDesk, plan
from tests.screens.stage import Stage, until
from tests.screens.text import TextSnapshot, rendered


def screen() -> PlanScreen:
    return PlanScreen("scale-tenant", ACME, {"max": 12})


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
@pytest.mark.parametrize("findings", [(PASSED, ROOM), (PASSED, ROOM, GITOPS)], ids=["ok", "no"])
async def test_a_plan_says_where_it_acts_what_was_checked_and_what_changes(
    size: tuple[int, int], findings: tuple[Finding, ...], snapshot: SnapshotAssertion
) -> None:
    app = Stage(FakeDesk(plan(*findings)))
    async with app.run_test(size=size) as pilot:
        await app.show(screen())
        await until(pilot, lambda: "Changes" in rendered(app) and "palette" in rendered(app))
        assert rendered(app) == snapshot(extension_class=TextSnapshot)


async def test_a_plan_is_shown_as_being_made_until_the_desk_answers() -> None:
    desk = FakeDesk()
    desk.gate.clear()
    app = Stage(desk)
    async with app.run_test() as pilot:
        await app.show(screen())
        await until(pilot, lambda: "planning" in rendered(app))
        assert app.screen.query_one("#plan-confirm", Button).disabled
        desk.gate.set()
        await until(pilot, lambda: "READY" in rendered(app))


async def test_a_refused_plan_cannot_be_confirmed() -> None:
    desk = FakeDesk(plan(GITOPS))
    app = Stage(desk)
    async with app.run_test() as pilot:
        await app.show(screen())
        await until(pilot, lambda: "REFUSED" in rendered(app))
        await pilot.press("enter")
        assert isinstance(app.screen, PlanScreen)
        assert "Argo CD would put" in rendered(app)
        assert "ignoreDifferences" in rendered(app)


async def test_enter_twice_carries_nothing_out() -> None:
    desk = FakeDesk()
    app = Stage(desk)
    async with app.run_test() as pilot:
        await app.show(screen())
        await until(pilot, lambda: "READY" in rendered(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Type acme" in rendered(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
        assert desk.typed == []


async def test_the_typed_name_runs_the_plan_and_returns_the_run() -> None:
    desk = FakeDesk()
    app = Stage(desk)
    async with app.run_test() as pilot:
        await app.show(screen())
        await until(pilot, lambda: "READY" in rendered(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Type acme" in rendered(app))
        await pilot.press(*"acme", "enter")
        await until(pilot, lambda: bool(app.results))
        assert desk.typed == ["acme"]
        assert app.results == ["run-0001"]


async def test_a_wrong_name_carries_nothing_out_and_says_so() -> None:
    desk = FakeDesk()
    app = Stage(desk)
    async with app.run_test() as pilot:
        await app.show(screen())
        await until(pilot, lambda: "READY" in rendered(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Type acme" in rendered(app))
        await pilot.press(*"acne", "enter")
        assert "not acme; nothing was done" in rendered(app)
        assert desk.typed == []
        assert app.screen.query_one(Input).value == "acne"


@pytest.mark.parametrize(
    "error",
    [
        LockedError("tenant-acme is held by ann on laptop", remedy="wait for run-0009"),
        StalePlanError("spec.maxReplicas moved since the plan", remedy="plan again"),
        RefusedError("refused now", reasons=("quota pods 20 of 20",), remedy="raise the quota"),
    ],
)
async def test_a_refused_run_says_why_in_place(error: LockedError) -> None:
    desk = FakeDesk()
    desk.run_error = error
    app = Stage(desk)
    async with app.run_test() as pilot:
        await app.show(screen())
        await until(pilot, lambda: "READY" in rendered(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Type acme" in rendered(app))
        await pilot.press(*"acme", "enter")
        await until(pilot, lambda: error.remedy in rendered(app))
        assert error.message in rendered(app)
        assert app.results == []


async def test_a_stale_plan_has_to_be_made_again() -> None:
    desk = FakeDesk()
    desk.run_error = StalePlanError("it moved", remedy="plan again")
    app = Stage(desk)
    async with app.run_test() as pilot:
        await app.show(screen())
        await until(pilot, lambda: "READY" in rendered(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Type acme" in rendered(app))
        await pilot.press(*"acme", "enter")
        await until(pilot, lambda: "it moved" in rendered(app))
        assert app.screen.query_one("#plan-confirm", Button).disabled
        await pilot.press("p")
        await until(pilot, lambda: not app.screen.query_one("#plan-confirm", Button).disabled)
        assert "it moved" not in rendered(app)


async def test_a_plan_that_cannot_be_made_says_what_to_do() -> None:
    app = Stage(FakeDesk(ConfigError("min is above max", remedy="lower min")))
    async with app.run_test() as pilot:
        await app.show(screen())
        await until(pilot, lambda: "lower min" in rendered(app))
        assert "No plan was made" in rendered(app)
        await pilot.press("escape")
        await pilot.pause()
        assert app.results == [None]


async def test_a_fault_of_the_console_itself_is_no_traceback() -> None:
    class Broken(FakeDesk):
        async def plan(self, *_: object, **__: object) -> None:  # type: ignore[override]
            raise ZeroDivisionError("a bug")

    app = Stage(Broken())
    async with app.run_test() as pilot:
        await app.show(screen())
        await until(pilot, lambda: "the console itself failed" in rendered(app))
        assert "Traceback" not in rendered(app)


@pytest.mark.parametrize(
    ("ok", "level", "word"),
    [
        (True, Level.BLOCK, "passed"),
        (False, Level.BLOCK, "refused"),
        (None, Level.BLOCK, "unknown, so refused"),
        (False, Level.WARN, "warning"),
        (None, Level.WARN, "unknown"),
    ],
)
def test_each_finding_has_a_word(ok: bool | None, level: Level, word: str) -> None:
    assert finding_word(Finding(check="c", ok=ok, level=level, message="m")).text == word


def test_what_stands_against_it_comes_before_the_changes_and_those_before_the_rest() -> None:
    console = Console(width=100, file=StringIO())
    console.print(Group(*plan_lines(plan(PASSED, ROOM, GITOPS))))
    text = cast("StringIO", console.file).getvalue()
    places = [
        text.index(word)
        for word in ("gitops.keeps", "nodes.room", "spec.maxReplicas  6", "hpa.exists")
    ]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        (6, 12, "raised by 6"),
        (12, 6, "lowered by 6"),
        (None, 6, "added"),
        (6, None, "removed"),
        ("a", "b", "changed"),
        (6, 6, "unchanged"),
    ],
)
def test_a_change_is_named_in_words(before: object, after: object, word: str) -> None:
    assert change(before, after) == word
