import pytest
from syrupy.assertion import SnapshotAssertion
from textual.widgets import Input, Select, Static

from actions.schema import InputSpec, InputType
from screens.fields import hint, read_fields
from screens.form import FormScreen
from tests.screens.fake_desk import ACME, MANIFEST, FakeDesk
from tests.screens.stage import Stage, until
from tests.screens.text import TextSnapshot, rendered


def form() -> FormScreen:
    return FormScreen(
        MANIFEST,  # type: ignore[arg-type]  # the same fields without a file behind them
        ACME,
        current=lambda texts: {"min": "2", "max": "6"} if texts["component"] == "api" else {},
    )


def said(app: Stage, name: str) -> str:
    return str(app.screen.query_one(name, Static).content)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_the_form_shows_types_limits_and_what_holds_now(
    size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    app = Stage(FakeDesk())
    async with app.run_test(size=size) as pilot:
        await app.show(form())
        await until(pilot, lambda: "palette" in rendered(app))
        assert rendered(app) == snapshot(extension_class=TextSnapshot)


async def test_the_first_field_has_the_focus() -> None:
    app = Stage(FakeDesk())
    async with app.run_test() as pilot:
        await app.show(form())
        await pilot.pause()
        assert app.focused is not None
        assert app.focused.id == "input-component"


async def test_all_errors_are_shown_at_once_each_beside_its_field() -> None:
    app = Stage(FakeDesk())
    async with app.run_test() as pilot:
        await app.show(form())
        app.screen.query_one("#input-min", Input).value = "0"
        app.screen.query_one("#input-max", Input).value = "101"
        await pilot.press("ctrl+o")
        assert "below the least" in said(app, "#note-min")
        assert "above the most" in said(app, "#note-max")
        assert "is required" in said(app, "#note-reason")
        assert app.results == []
        assert app.focused is app.screen.query_one("#input-min")


async def test_a_corrected_field_loses_its_error() -> None:
    app = Stage(FakeDesk())
    async with app.run_test() as pilot:
        await app.show(form())
        await pilot.press("ctrl+o")
        app.screen.query_one("#input-reason", Input).value = "exam week"
        app.screen.query_one("#input-max", Input).value = "x"
        await pilot.press("ctrl+o")
        assert "✗" not in said(app, "#note-reason")
        assert "✗" in said(app, "#note-max")


async def test_enter_in_a_field_returns_typed_values_without_what_was_left_out() -> None:
    app = Stage(FakeDesk())
    async with app.run_test() as pilot:
        await app.show(form())
        app.screen.query_one("#input-max", Input).value = "12"
        app.screen.query_one("#input-reason", Input).value = "exam week"
        app.screen.query_one("#input-reason").focus()
        await pilot.press("enter")
        await pilot.pause()
        assert app.results == [{"component": "api", "max": 12, "reason": "exam week"}]


async def test_another_component_shows_its_own_current_values() -> None:
    app = Stage(FakeDesk())
    async with app.run_test() as pilot:
        await app.show(form())
        await pilot.pause()
        assert said(app, "#now-max") == "now 6"
        app.screen.query_one("#input-component", Select).value = "web"
        await pilot.pause()
        assert said(app, "#now-max") == ""


async def test_escape_leaves_without_values() -> None:
    app = Stage(FakeDesk())
    async with app.run_test() as pilot:
        await app.show(form())
        await pilot.press("escape")
        await pilot.pause()
        assert app.results == [None]


@pytest.mark.parametrize(
    ("spec", "text", "value"),
    [
        (InputSpec(type=InputType.INT), " 12 ", 12),
        (InputSpec(type=InputType.BOOL), "true", True),
        (InputSpec(type=InputType.DURATION), "1h30m", "1h30m"),
        (InputSpec(type=InputType.QUANTITY), "250m", "250m"),
    ],
)
def test_a_field_of_each_type_becomes_its_value(spec: InputSpec, text: str, value: object) -> None:
    assert read_fields({"it": spec}, {"it": text}) == ({"it": value}, {})


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (InputSpec(type=InputType.INT), "1.5"),
        (InputSpec(type=InputType.DURATION), "soon"),
        (InputSpec(type=InputType.QUANTITY), "a lot"),
        (InputSpec(type=InputType.ENUM, choices=("api",)), "db"),
        (InputSpec(type=InputType.STRING, pattern="[a-z]+"), "A"),
        (InputSpec(type=InputType.STRING, required=True), "  "),
    ],
)
def test_a_wrong_text_is_an_error_of_its_field(spec: InputSpec, text: str) -> None:
    values, errors = read_fields({"it": spec}, {"it": text})
    assert values == {}
    assert list(errors) == ["it"]


def test_a_hint_tells_limits_and_an_example() -> None:
    spec = InputSpec(type=InputType.DURATION, help="How long", max="1h")
    assert hint(spec) == "How long; at most 1h; such as 90s, 5m or 1h30m"
