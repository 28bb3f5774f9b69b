"""Started read-only: whatever is pressed, nothing but reading leaves the console."""

from typing import Any

import aiohttp
import pytest

from console.resources import views
from screens.form import FormScreen
from screens.frame import FrameScreen
from tests.stories.fleet import EmbeddedFleet
from tests.stories.screen import Person, at_the_console

LEAVES = frozenset({"app.quit", "app.interrupt", "frame.command", "table.filter", "table.save"})
"""Keys that end the console or open a line to type in."""


@pytest.fixture
def methods(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the method of every request that leaves this process."""
    seen: list[str] = []
    request = aiohttp.ClientSession._request

    async def noted(self: Any, method: str, *args: Any, **options: Any) -> Any:
        seen.append(method)
        return await request(self, method, *args, **options)

    monkeypatch.setattr(aiohttp.ClientSession, "_request", noted)
    return seen


async def home_again(person: Person) -> None:
    while not isinstance(person.app.screen, FrameScreen):
        await person.press("escape")


async def tries_every_key(person: Person) -> None:
    """Press what the view offers, coming back to a view of the console after each."""
    for key, active in dict(person.app.screen.active_bindings).items():
        if active.binding.id not in LEAVES and active.binding.action != "app.quit":
            await person.press(key)
            await home_again(person)


@pytest.mark.parametrize(
    ("line", "keys"),
    [("home", ()), ("tenant", ()), ("tenant", ("enter",)), ("hpa", ("y",))],
    ids=["home", "table", "detail", "yaml"],
)
async def test_every_key_of_every_screen_only_reads(
    shared_fleet: EmbeddedFleet, methods: list[str], line: str, keys: tuple[str, ...]
) -> None:
    async with at_the_console(shared_fleet.session(read_only=True)) as person:
        await person.waits_for("usw2", "READ")
        await person.commands(line)
        await person.waits_for("usw2")
        await person.press(*keys)
        await tries_every_key(person)
        assert set(methods) == {"GET"}


async def test_looking_into_and_acting_on_every_kind_only_reads(
    shared_fleet: EmbeddedFleet, methods: list[str]
) -> None:
    async with at_the_console(shared_fleet.session(read_only=True)) as person:
        await person.waits_for("usw2", "READ")
        for kind in views():
            await person.commands(kind)
            for key in ("a", "r", "d", "y", "enter"):
                await person.press(key, "enter")
                await home_again(person)
        assert set(methods) == {"GET"}


async def test_an_action_says_why_it_cannot_be_taken(
    shared_fleet: EmbeddedFleet, methods: list[str]
) -> None:
    async with at_the_console(shared_fleet.session(read_only=True)) as person:
        await person.commands("tenant")
        await person.waits_for("acme")
        await person.press("a")
        await person.waits_for("not now", "read-only")
        await person.press("enter")
        assert not isinstance(person.app.screen, FormScreen)
        assert set(methods) == {"GET"}


def test_without_a_screen_a_run_is_refused(shared_fleet: EmbeddedFleet) -> None:
    words = ("scale-tenant", "acme", "--context", "prod-us-west-2", "--max", "10")
    said = shared_fleet.cli("--read-only", "plan", *words, "--reason", "exam week", "-o", "json")
    assert said.code in (1, 5)
    assert "read-only" in said.out + said.err
