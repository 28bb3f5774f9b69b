import msgspec
import pytest
from syrupy.assertion import SnapshotAssertion

from actions.model import RunState
from console.record import Key
from console.store import ChangeBatch
from screens.run import RunScreen
from screens.runs import RunsScreen
from tests.screens.fake_desk import FakeDesk, run
from tests.screens.stage import Stage, until
from tests.screens.text import TextSnapshot, rendered

RUN_CHANGED = ChangeBatch(frozenset({Key("usw2", "run", "tenant-acme", "run-0001")}), frozenset())


def screen(run_id: str = "run-0001") -> RunScreen:
    return RunScreen(run_id)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_a_run_shows_each_step_its_outcome_and_what_it_found(
    size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    app = Stage(FakeDesk(None, run()))
    async with app.run_test(size=size) as pilot:
        await app.show(screen())
        await until(pilot, lambda: "palette" in rendered(app))
        assert rendered(app) == snapshot(extension_class=TextSnapshot)


async def test_a_change_of_the_run_is_shown_as_it_comes() -> None:
    desk = FakeDesk(None, run())
    app = Stage(desk)
    async with app.run_test() as pilot:
        shown = screen()
        await app.show(shown)
        await until(pilot, lambda: "RUNNING" in rendered(app))
        desk.known["run-0001"] = run(1, RunState.SUCCEEDED)
        shown.on_batch(RUN_CHANGED)
        await until(pilot, lambda: "SUCCEEDED" in rendered(app))


async def test_leaving_a_run_does_not_stop_it_and_says_so() -> None:
    desk = FakeDesk(None, run())
    app = Stage(desk)
    async with app.run_test(notifications=True) as pilot:
        await app.show(screen())
        await pilot.press("escape")
        await until(pilot, lambda: "goes on" in rendered(app))
        assert desk.cancelled == []


@pytest.mark.parametrize("key", ["x", "ctrl+c"])
async def test_cancel_is_asked_before_it_is_done(key: str) -> None:
    desk = FakeDesk(None, run())
    app = Stage(desk)
    async with app.run_test() as pilot:
        await app.show(screen())
        await pilot.pause()
        await pilot.press(key)
        await until(pilot, lambda: "Let it run" in rendered(app))
        await pilot.press("enter")
        await pilot.pause()
        assert desk.cancelled == []
        await pilot.press(key)
        await until(pilot, lambda: "Let it run" in rendered(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: bool(desk.cancelled))
        assert desk.cancelled == ["run-0001"]


async def test_a_run_that_is_over_cannot_be_cancelled() -> None:
    app = Stage(FakeDesk(None, run(1, RunState.SUCCEEDED)))
    async with app.run_test() as pilot:
        await app.show(screen())
        await pilot.pause()
        await pilot.press("x")
        assert isinstance(app.screen, RunScreen)


async def test_an_interrupted_run_is_resumed_only_after_the_name_was_typed() -> None:
    desk = FakeDesk(None, run(1, RunState.INTERRUPTED))
    app = Stage(desk)
    async with app.run_test() as pilot:
        await app.show(screen())
        await pilot.pause()
        await pilot.press("a")
        await until(pilot, lambda: "Type acme" in rendered(app))
        await pilot.press("enter")
        await pilot.pause()
        assert desk.resumed == []
        await pilot.press("a")
        await until(pilot, lambda: "Type acme" in rendered(app))
        await pilot.press(*"acme", "enter")
        await until(pilot, lambda: desk.resumed == ["run-0001"])
        await until(pilot, lambda: "RUNNING" in rendered(app))


async def test_an_unknown_run_says_so() -> None:
    app = Stage(FakeDesk())
    async with app.run_test() as pilot:
        await app.show(screen("run-9"))
        await until(pilot, lambda: "no run is called run-9" in rendered(app))


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_the_history_is_newest_first(
    size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    desk = FakeDesk(None, run(3, RunState.INTERRUPTED), run(1), run(2, RunState.SUCCEEDED))
    app = Stage(desk)
    async with app.run_test(size=size) as pilot:
        await app.show(RunsScreen())
        await until(pilot, lambda: "palette" in rendered(app))
        text = rendered(app)
        assert text.index("run-0001") < text.index("run-0002") < text.index("run-0003")
        assert text == snapshot(extension_class=TextSnapshot)


async def test_the_history_is_narrowed_by_state() -> None:
    desk = FakeDesk(None, run(3, RunState.INTERRUPTED), run(2, RunState.SUCCEEDED))
    app = Stage(desk)
    async with app.run_test() as pilot:
        await app.show(RunsScreen())
        await pilot.press("f")
        await until(pilot, lambda: "going on 1 of 2" in rendered(app))
        assert "run-0002" not in rendered(app)
        await pilot.press("f", "f")
        await until(pilot, lambda: "not well ended" in rendered(app))
        assert "None of 2 runs" in rendered(app)


async def test_enter_opens_the_run_under_the_cursor() -> None:
    desk = FakeDesk(None, run(1), run(2, RunState.SUCCEEDED))
    app = Stage(desk)
    async with app.run_test() as pilot:
        await app.show(RunsScreen())
        await pilot.pause()
        await pilot.press("j", "enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        await until(pilot, lambda: "Run > run-0002" in rendered(app))


async def test_the_cursor_stays_on_its_run_when_a_newer_one_comes() -> None:
    desk = FakeDesk(None, run(2), run(3, RunState.SUCCEEDED))
    app = Stage(desk)
    async with app.run_test() as pilot:
        shown = RunsScreen()
        await app.show(shown)
        await pilot.press("j")
        desk.known["run-0001"] = run(1)
        shown.on_batch(RUN_CHANGED)
        await pilot.press("enter")
        await until(pilot, lambda: "Run > run-0003" in rendered(app))


async def test_resume_from_the_history_opens_the_run() -> None:
    desk = FakeDesk(None, run(1, RunState.PAUSED))
    app = Stage(desk)
    async with app.run_test() as pilot:
        await app.show(RunsScreen())
        await pilot.pause()
        await pilot.press("a")
        await until(pilot, lambda: "Type acme" in rendered(app))
        await pilot.press(*"acme", "enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        assert desk.resumed == ["run-0001"]


async def test_an_empty_history_says_how_it_fills() -> None:
    app = Stage(FakeDesk())
    async with app.run_test() as pilot:
        await app.show(RunsScreen())
        await until(pilot, lambda: "Nothing was carried out yet" in rendered(app))


def test_a_failed_run_shows_its_error() -> None:
    failed = msgspec.structs.replace(run(1, RunState.FAILED), error="the API said no")
    look = Stage(None).look
    from screens.run_text import head_lines

    assert "the API said no" in "\n".join(line.plain for line in head_lines(failed, look))
