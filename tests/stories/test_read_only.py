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


async def test_every_key_in_every_view_only_reads(fleet: EmbeddedFleet, methods: list[str]) -> None:
    async with at_the_console(fleet.session(read_only=True)) as person:
        await person.waits_for("usw2", "READ")
        for kind in views():
            await person.commands(kind)
            for binding in dict.fromkeys(
                active.binding for active in person.app.screen.active_bindings.values()
            ):
                if binding.id not in LEAVES and not binding.id.startswith(("app.", "input")):
                    await person.press(binding.key)
                    await home_again(person)
        assert "GET" in methods
        assert set(methods) == {"GET"}


async def test_an_action_says_why_it_cannot_be_taken(
    fleet: EmbeddedFleet, methods: list[str]
) -> None:
    async with at_the_console(fleet.session(read_only=True)) as person:
        await person.commands("tenant")
        await person.waits_for("acme")
        await person.press("a")
        await person.waits_for("not now", "read-only")
        await person.press("enter")
        assert not isinstance(person.app.screen, FormScreen)
        assert set(methods) == {"GET"}


def test_without_a_screen_a_run_is_refused(fleet: EmbeddedFleet) -> None:
    words = ("scale-tenant", "acme", "--context", "prod-us-west-2", "--max", "10")
    said = fleet.cli("--read-only", "plan", *words, "--reason", "exam week", "-o", "json")
    assert said.code in (1, 5)
    assert "read-only" in said.out + said.err
