from typing import TYPE_CHECKING, cast

import msgspec
import pytest
from textual.widgets import Input, OptionList

from console.errors import ConfigError
from console.record import Key, Record
from screens import act
from screens.form import FormScreen
from screens.picker import PickerScreen
from screens.plan import PlanScreen
from screens.run import RunScreen
from tests.screens.fake_desk import ACME, MANIFEST, FakeDesk
from tests.screens.stage import Stage, until
from tests.screens.text import rendered

if TYPE_CHECKING:
    from actions.manifest import Manifest
    from screens.app import ShifuApp

TENANT = Record(key=ACME)
HPA = Record(key=Key("usw2", "hpa", "tenant-acme", "ai-shifu-cook-web"))


class Bounds(Record, frozen=True, kw_only=True):
    min_replicas: int | None
    max_replicas: int


class _View(msgspec.Struct):
    actions: tuple[str, ...] = ()
    rows: tuple[Record, ...] = ()

    def records(self, look: object) -> tuple[Record, ...]:
        del look
        return self.rows


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> dict[str, _View]:
    views = {
        "tenant": _View(rows=(TENANT,)),
        "hpa": _View(actions=("scale-tenant",)),
        "node": _View(),
    }
    monkeypatch.setattr(act, "view_named", views.__getitem__)
    return views


async def start(app: Stage, action: str | None, *targets: Record) -> None:
    await act.start_action(cast("ShifuApp", app), action, list(targets))


def manifest() -> "Manifest":
    return cast("Manifest", MANIFEST)


async def test_the_whole_way_from_a_key_to_a_run() -> None:
    desk = FakeDesk()
    app = Stage(desk)
    async with app.run_test() as pilot:
        await start(app, None, TENANT)
        await until(pilot, lambda: isinstance(app.screen, PickerScreen))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        app.screen.query_one("#input-max", Input).value = "12"
        app.screen.query_one("#input-reason", Input).value = "exam week"
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and "READY" in rendered(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Type acme" in rendered(app))
        await pilot.press(*"acme", "enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        values = {"component": "api", "max": 12, "reason": "exam week"}
        assert desk.asked == [("scale-tenant", ACME, values)]
        assert desk.typed == ["acme"]


async def test_back_from_the_plan_keeps_what_was_filled_in() -> None:
    app = Stage(FakeDesk())
    async with app.run_test() as pilot:
        await start(app, "scale-tenant", TENANT)
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        app.screen.query_one("#input-reason", Input).value = "exam week"
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        await pilot.pause()
        assert app.screen.query_one("#input-reason", Input).value == "exam week"


async def test_an_action_that_cannot_be_taken_says_why_instead_of_hiding() -> None:
    app = Stage(FakeDesk(), shut="usw2 is read-only in fleet.yaml")
    async with app.run_test() as pilot:
        await start(app, None, TENANT)
        await until(pilot, lambda: isinstance(app.screen, PickerScreen))
        assert "not now: usw2 is read-only" in rendered(app)
        assert app.screen.query_one(OptionList).get_option_at_index(0).disabled
        await pilot.press("enter", "escape")
        await until(pilot, lambda: not isinstance(app.screen, PickerScreen))


async def test_values_said_beforehand_stand_in_the_form() -> None:
    app = Stage(FakeDesk())
    async with app.run_test() as pilot:
        await act.start_action(cast("ShifuApp", app), "scale-tenant", [TENANT], {"max": "12"})
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        await pilot.pause()
        assert app.screen.query_one("#input-max", Input).value == "12"


async def test_several_marks_are_not_acted_on_as_one() -> None:
    desk = FakeDesk()
    app = Stage(desk)
    async with app.run_test(notifications=True) as pilot:
        await start(app, None, TENANT, HPA)
        await until(pilot, lambda: "2 are marked" in rendered(app))
        assert desk.asked == []


async def test_before_the_fleet_is_open_nothing_happens_and_it_says_so() -> None:
    app = Stage(None)
    async with app.run_test(notifications=True) as pilot:
        await start(app, None, TENANT)
        await until(pilot, lambda: "still reading" in rendered(app))


async def test_a_kind_without_actions_says_so() -> None:
    app = Stage(FakeDesk())
    async with app.run_test(notifications=True) as pilot:
        await start(app, None, Record(key=Key("usw2", "node", "", "ip-10-0-0-1")))
        await until(pilot, lambda: "no action takes a node" in rendered(app))


def test_an_autoscaler_leads_to_its_tenant() -> None:
    assert act.target_of(manifest(), HPA, Stage(None).look) == ACME


def test_an_autoscaler_of_nobody_leads_nowhere(kinds: dict[str, _View]) -> None:
    kinds["tenant"].rows = ()
    assert act.target_of(manifest(), HPA, Stage(None).look) is None


def test_two_tenants_in_one_namespace_are_not_guessed_between(kinds: dict[str, _View]) -> None:
    other = Record(key=Key("usw2", "tenant", "tenant-acme", "globex"))
    kinds["tenant"].rows = (TENANT, other)
    assert act.target_of(manifest(), HPA, Stage(None).look) is None


def test_the_component_comes_from_the_autoscaler_under_the_cursor() -> None:
    assert act.prefilled(manifest(), HPA) == {"component": "cook-web"}
    assert act.prefilled(manifest(), TENANT) == {}


def test_the_form_shows_the_bounds_of_the_chosen_component() -> None:
    app = Stage(None)
    for name, top in (("ai-shifu-api", 6), ("ai-shifu-web", 3), ("ai-shifu-cook-web", 4)):
        key = Key("usw2", "hpa", "tenant-acme", name)
        app.store.upsert(Bounds(key=key, min_replicas=None, max_replicas=top))
    shown = [
        act.current_values(manifest(), ACME, {"component": name}, app.look)
        for name in ("api", "web", "cook-web")
    ]
    assert shown == [{"max": "6"}, {"max": "3"}, {"max": "4"}]


@pytest.mark.parametrize(
    ("given", "named"),
    [({"maxx": "12"}, "max"), ({"component": "apy"}, "api")],
)
def test_a_word_the_form_cannot_take_is_refused_with_the_nearest(
    given: dict[str, str], named: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        act.check_given(manifest(), given)
    assert named in refusal.value.remedy


async def test_words_of_the_command_line_fill_the_form() -> None:
    app = Stage(FakeDesk())
    async with app.run_test() as pilot:
        await act.start_action(cast("ShifuApp", app), "scale-tenant", [TENANT], {"max": "12"})
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        assert app.screen.query_one("#input-max", Input).value == "12"
