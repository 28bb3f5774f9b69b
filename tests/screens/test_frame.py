"""What every view has, and what the console does at its edges."""

import asyncio
import logging

import pytest

from console.errors import ConfigError
from console.record import Key, Tone, Word
from console.store import PROBE, Source, SourceState, Store
from screens import tones
from screens.app import ShifuApp
from screens.home import HomeScreen
from screens.opening import Opened
from screens.themes import THEMES
from screens.yaml import YamlScreen
from tests.screens.demo_fleet import KINDS, fill
from tests.screens.fake import NOW, Bench, live
from tests.screens.tables import console, until
from tests.screens.text import rendered

EUC1 = "prod-eu-central-1"


def one_dead(store: Store) -> None:
    fill(store)
    store.note(
        Source(
            cluster=EUC1,
            kind=PROBE,
            method="poll",
            state=SourceState.FAILING,
            interval=5.0,
            contact_at=NOW - 300,
            error="connection refused",
            remedy="is the VPN up?",
            attempts=7,
            retry_at=NOW + 12,
        )
    )


async def test_a_dead_cluster_says_so_on_its_own_line_only() -> None:
    async with console(one_dead, size=(200, 30)) as at:
        await at.home()
        await until(lambda: "next try in 12s" in rendered(at.app))
        lines = rendered(at.app).splitlines()
        dead = next(line for line in lines if EUC1 in line and "UNREACHABLE" in line)
        assert "connection refused, next try in 12s" in dead
        others = [line for line in lines if "✓ OK" in line]
        assert len(others) == 3


async def test_why_shows_the_last_error_verbatim_with_attempts_and_next_try() -> None:
    async with console(one_dead) as at:
        home = await at.home()
        home.table.go_to(Key(EUC1, "cluster", "", EUC1))
        await at.type(f"why {EUC1}")
        await until(lambda: "connection refused" in rendered(at.app))
        shown = rendered(at.app)
        assert "attempt 7" in shown
        assert "what next: is the VPN up?" in shown
        assert "next try in 12s" in shown


async def test_the_production_bar_is_there_only_when_the_scope_has_production() -> None:
    async with console() as at:
        await at.open("hpa", 6)
        assert rendered(at.app).splitlines()[0].startswith(" PROD ")
        await at.press("4")
        await at.rows(1)
        assert "PROD" not in rendered(at.app).splitlines()[0]


async def test_the_header_says_the_mode() -> None:
    async with console() as at:
        await at.home()
        assert " WRITE " in rendered(at.app)
        await at.type("mode read")
        await until(lambda: " READ " in rendered(at.app))


async def test_a_session_that_was_started_read_only_stays_so() -> None:
    bench = Bench(fill)
    bench.session.read_only = True
    async with console(bench=bench) as at:
        await at.home()
        at.fleet.write = False
        await at.type("mode write")
        await at.pilot.pause()
        assert not at.fleet.write


async def test_a_terminal_of_20x5_says_what_it_needs() -> None:
    async with console(size=(20, 5)) as at:
        await until(lambda: "needs 40x10" in rendered(at.app))
        assert "too small: 20x5" in rendered(at.app)
        await at.pilot.resize_terminal(80, 24)
        await until(lambda: "Fleet" in rendered(at.app))
        assert "too small" not in rendered(at.app)


@pytest.mark.parametrize("size", [(40, 10), (60, 15), (79, 23)])
async def test_a_small_terminal_still_shows_the_rows(size: tuple[int, int]) -> None:
    async with console(size=size) as at:
        await at.open("tenants", 6)
        assert "acme" in rendered(at.app)


async def test_a_hundred_resizes_leave_a_whole_screen() -> None:
    async with console() as at:
        await at.open("tenants", 6)
        for turn in range(100):
            await at.pilot.resize_terminal(20 + turn * 37 % 180, 5 + turn * 13 % 45)
        await at.pilot.resize_terminal(120, 30)
        await until(lambda: "acme" in rendered(at.app))
        assert len(rendered(at.app).splitlines()) == 30
        assert "too small" not in rendered(at.app)


@pytest.mark.parametrize("name", [theme.name for theme in THEMES])
async def test_a_theme_changes_colours_and_no_word(name: str) -> None:
    async with console() as at:
        await at.open("hpa", 6)
        before = rendered(at.app)
        await at.type(f"theme {name}")
        await until(lambda: at.app.theme == name)
        await at.pilot.pause()
        assert rendered(at.app) == before


def test_every_tone_has_a_colour_in_every_theme() -> None:
    for theme in THEMES:
        assert {f"tone-{tone}" for tone in Tone} <= theme.variables.keys()


def test_a_terminal_without_utf8_gets_plain_glyphs() -> None:
    assert not tones.speaks_utf8({"LC_ALL": "C"})
    assert not tones.speaks_utf8({"LANG": "en_US.ISO-8859-1"})
    assert tones.speaks_utf8({"LANG": "en_US.UTF-8"})
    assert tones.speaks_utf8({"LC_CTYPE": "C.utf8"})
    tones.use_ascii(True)
    try:
        assert tones.words(Word("DEAD", Tone.BAD)) == "x DEAD"
        assert all(tones.glyph(tone).isascii() for tone in Tone)
    finally:
        tones.use_ascii(False)


async def test_a_configuration_that_cannot_be_used_is_said_on_the_screen() -> None:
    async def refuse(*_: object) -> Opened:
        raise ConfigError("no kubeconfig was found", remedy="set KUBECONFIG")

    app = ShifuApp(Bench().session, opener=refuse)
    async with app.run_test(size=(100, 20)) as pilot:
        await until(lambda: "no kubeconfig was found (set KUBECONFIG)" in rendered(app))
        await pilot.pause()
        assert isinstance(app.screen, HomeScreen)


async def test_the_first_paint_waits_for_no_cluster() -> None:
    gate = asyncio.Event()
    bench = Bench(fill)

    async def slow(*arguments: object) -> Opened:
        await gate.wait()
        return await bench.open(*arguments)  # type: ignore[arg-type]

    app = ShifuApp(bench.session, opener=slow)
    async with app.run_test(size=(100, 20)) as pilot:
        await until(lambda: "reading the configuration" in rendered(app))
        gate.set()
        await until(lambda: "4 clusters" in rendered(app))
        await pilot.pause()


async def test_one_ctrl_c_asks_and_the_second_quits() -> None:
    async with console() as at:
        await at.home()
        await at.press("ctrl+c")
        assert any("again" in note.message for note in at.app._notifications)
        assert at.app.is_running
        await at.press("ctrl+c")
        await until(lambda: at.app.return_value == 0)


async def test_leaving_closes_the_fleet() -> None:
    async with console() as at:
        await at.home()
        fleet = at.fleet
        await at.type("q")
        await until(lambda: at.app.return_value == 0)
    assert fleet.closed


async def test_relist_asks_the_fleet_again() -> None:
    async with console() as at:
        await at.open("hpa", 6)
        await at.press("ctrl+r")
        assert at.fleet.refreshed == 1


async def test_yaml_shows_the_object_and_finds_text() -> None:
    async with console() as at:
        key = Key("prod-us-west-2", "hpa", "tenant-acme", "ai-shifu-api")
        await at.open("hpa", 6)
        at.fleet.objects[key] = {
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "ai-shifu-api", "managedFields": [{"manager": "argocd"}]},
            "spec": {"maxReplicas": 6, "note": "password: hunter2"},
        }
        await at.press("y")
        await until(lambda: "maxReplicas: 6" in rendered(at.app))
        assert "argocd" not in rendered(at.app)
        assert "hunter2" not in rendered(at.app)
        await at.press("m")
        await until(lambda: "argocd" in rendered(at.app))
        screen = at.app.screen
        assert isinstance(screen, YamlScreen)
        await until(lambda: screen.prompt is not None)
        await at.press("slash", *"spec", "enter")
        await at.pilot.pause()
        assert "spec" in screen.sheet.lines[screen.sheet.cursor].text.plain


async def test_yaml_that_cannot_be_read_says_why() -> None:
    async with console() as at:
        await at.open("hpa", 6)
        await at.press("y")
        await until(lambda: "is not there" in rendered(at.app))


async def test_enter_in_a_detail_opens_the_neighbour() -> None:
    async with console() as at:
        await at.open("tenants", 6)
        await at.press("enter")
        first = await at.detail()
        lines = first.sheet.lines
        at_hpa = next(n for n, line in enumerate(lines) if line.key and line.key.kind == "hpa")
        first.sheet.go(at_hpa)
        await at.press("enter")
        await until(lambda: at.app.screen is not first)
        second = await at.detail()
        assert second.kind() == "hpa"
        await at.press("escape")
        await until(lambda: at.app.screen is not second)
        back = await at.detail()
        assert back.kind() == "tenant"
        assert back.sheet.cursor == at_hpa


async def test_a_deleted_record_stays_readable_and_says_it_is_gone() -> None:
    async with console() as at:
        await at.open("hpa", 6)
        await at.press("enter")
        await at.detail()
        at.app.store.remove(Key("prod-us-west-2", "hpa", "tenant-acme", "ai-shifu-api"))
        await until(lambda: "GONE" in rendered(at.app))
        assert "Deployment/ai-shifu-api" in rendered(at.app)


async def test_the_palette_finds_a_tenant() -> None:
    async with console() as at:
        await at.home()
        await at.press("ctrl+p")
        await at.pilot.pause()
        await at.press(*"wayne")
        await until(lambda: "Tenant: wayne" in rendered(at.app))
        await at.press("down", "enter")
        screen = await at.detail()
        assert screen.kind() == "tenant"


async def test_help_names_every_shown_key_and_no_lower_case_letter_writes() -> None:
    async with console() as at:
        await at.open("tenants", 6)
        bindings = [active.binding for active in at.app.screen.active_bindings.values()]
        assert all(binding.id and binding.tooltip for binding in bindings if binding.id)
        writing = {binding.key for binding in bindings if binding.action == "act"}
        assert writing == {"a", "r"}


async def test_nothing_is_logged_to_the_screen(caplog: pytest.LogCaptureFixture) -> None:
    async with console() as at:
        await at.home()
        logging.getLogger("console").error("not for the screen")
        await at.pilot.pause()
        assert "not for the screen" not in rendered(at.app)


async def test_foreign_text_cannot_draw_on_the_terminal() -> None:
    def evil(store: Store) -> None:
        fill(store)
        store.note(
            Source(
                cluster=EUC1,
                kind="hpa",
                method="watch",
                state=SourceState.FAILING,
                contact_at=NOW,
                error="bad\x1b[31m\x07 words",
            )
        )
        live(store, ("pod",), [EUC1])

    async with console(evil, size=(200, 30)) as at:
        await at.home()
        await until(lambda: "words" in rendered(at.app))
        assert "\x1b" not in rendered(at.app)
        assert KINDS
