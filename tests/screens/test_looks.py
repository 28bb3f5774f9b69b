"""How the screens look, as text, at the smallest and at a large size."""

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.screens.tables import console, until
from tests.screens.text import TextSnapshot, rendered

sizes = pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
Size = tuple[int, int]


@sizes
async def test_home_shows_the_fleet_by_region(size: Size, snapshot: SnapshotAssertion) -> None:
    async with console(size=size) as at:
        await at.home()
        assert rendered(at.app) == snapshot(extension_class=TextSnapshot)


@sizes
async def test_tenants_show_the_worst_first(size: Size, snapshot: SnapshotAssertion) -> None:
    async with console(size=size) as at:
        await at.open("tenants", 6)
        assert rendered(at.app) == snapshot(extension_class=TextSnapshot)


@sizes
async def test_autoscalers_show_the_pinned_one_first(
    size: Size, snapshot: SnapshotAssertion
) -> None:
    async with console(size=size) as at:
        await at.open("hpa", 6)
        assert rendered(at.app) == snapshot(extension_class=TextSnapshot)


@sizes
async def test_a_tenant_gathers_what_it_is_made_of(size: Size, snapshot: SnapshotAssertion) -> None:
    async with console(size=size) as at:
        at.fleet.events = [
            {
                "type": "Warning",
                "reason": "FailedGetResourceMetric",
                "message": "unable to get metrics",
                "involvedObject": {"kind": "HorizontalPodAutoscaler", "name": "ai-shifu-api"},
                "lastTimestamp": "2026-09-21T14:12:00Z",
                "count": 4,
            }
        ]
        await at.open("tenants", 6)
        at.table.table.go_to(next(k for k in at.table.table.rows.ordered() if k.name == "acme"))
        await at.press("enter")
        await at.detail()
        assert rendered(at.app) == snapshot(extension_class=TextSnapshot)


@sizes
async def test_help_shows_every_key(size: Size, snapshot: SnapshotAssertion) -> None:
    async with console(size=size) as at:
        await at.open("tenants", 6)
        await at.press("question_mark")
        await until(lambda: "Keys of this view" in rendered(at.app))
        await at.pilot.pause()
        assert rendered(at.app) == snapshot(extension_class=TextSnapshot)
