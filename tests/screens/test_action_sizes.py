"""The screens of an action bear any terminal."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.screen import Screen

from screens.confirm import ConfirmScreen, Question
from screens.form import FormScreen
from screens.picker import Choice, PickerScreen
from screens.plan import PlanScreen
from screens.run import RunScreen
from screens.runs import RunsScreen
from tests.screens.fake_desk import ACME, GITOPS, MANIFEST, PASSED, ROOM, FakeDesk, plan, run
from tests.screens.stage import Stage
from tests.screens.text import rendered

SCREENS: dict[str, Callable[[], Screen[Any]]] = {
    "form": lambda: FormScreen(MANIFEST, ACME),  # type: ignore[arg-type]  # no file behind it
    "plan": lambda: PlanScreen("scale-tenant", ACME, {}),
    "confirm": lambda: ConfirmScreen(Question(title="t", place="usw2", expected="acme")),
    "run": lambda: RunScreen("run-0001"),
    "runs": RunsScreen,
    "picker": lambda: PickerScreen("Actions", [Choice(name="n", title="t", refusal="no [b]")]),
}


@pytest.mark.parametrize("name", SCREENS)
async def test_it_survives_twenty_by_five_and_every_resize(name: str) -> None:
    app = Stage(FakeDesk(plan(PASSED, ROOM, GITOPS), run()))
    async with app.run_test(size=(20, 5)) as pilot:
        await app.show(SCREENS[name]())
        await pilot.pause()
        for number in range(25):
            await pilot.resize_terminal(20 + number * 8, 5 + number * 2)
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert rendered(app).strip()


@pytest.mark.parametrize("name", SCREENS)
async def test_a_bracket_in_foreign_text_is_no_markup(name: str) -> None:
    spiteful = plan(
        PASSED, place="usw2 [red]x[/]", title="[bold", inputs={"reason": "[/nothing] [link=x]"}
    )
    failed = run(1, reason="[/b] [@click=quit]", error="[bad")
    app = Stage(FakeDesk(spiteful, failed))
    async with app.run_test(size=(100, 30)) as pilot:
        await app.show(SCREENS[name]())
        await pilot.pause(0.05)
        if name in ("run", "runs"):
            assert "[@click=quit]" in rendered(app)
        if name == "plan":
            assert "[red]x[/]" in rendered(app)
