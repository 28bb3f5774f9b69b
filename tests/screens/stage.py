"""A bare app to put one screen on: no fleet, no tables, a clock that stands still."""

from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

from console.store import Store
from screens.themes import THEMES
from tests.screens.fake_desk import NOW, FakeDesk


class StillClock:
    def now(self) -> float:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        del seconds


class NoFleet:
    """Says what the gateway would."""

    def __init__(self, shut: str = "") -> None:
        self.shut = shut

    def read_only_reason(self, cluster: str) -> str:
        del cluster
        return self.shut


class Stage(App[None]):
    def __init__(self, desk: FakeDesk | None, *, shut: str = "") -> None:
        super().__init__()
        self.clock = StillClock()
        self.store = Store(self.clock)
        self.look = self.store.snapshot
        self.desk = desk
        self.fleet = NoFleet(shut)
        self.results: list[Any] = []
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "shifu-dark"

    async def show(self, screen: Screen[Any]) -> None:
        await self.push_screen(screen, self.results.append)


async def until(pilot: Pilot[Any], met: Callable[[], bool], *, turns: int = 200) -> None:
    """Let the app work until something holds; says what did not."""
    for _ in range(turns):
        if met():
            return
        await pilot.pause(0.02)
    raise AssertionError(f"did not come true: {met}")
