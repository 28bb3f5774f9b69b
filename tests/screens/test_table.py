"""The merged table in a person's hands."""

from pathlib import Path

import msgspec
import pytest

from console.record import Key
from console.store import Source, SourceState, Store
from screens.widgets.view_table import ViewTable
from tests.screens.demo_fleet import KINDS, fill, nodes, pods
from tests.screens.fake import CLUSTERS, live, put
from tests.screens.tables import Console, console, until
from tests.screens.text import rendered

USW2 = "prod-us-west-2"


def many(store: Store) -> None:
    put(store, pods(USW2, 100))
    put(store, nodes(USW2, 3))
    live(store, KINDS, [cluster.alias for cluster in CLUSTERS])


def change(at: Console, key: Key, **changes: object) -> None:
    record = at.app.look.get(key)
    assert record is not None
    at.app.store.upsert(msgspec.structs.replace(record, **changes))


async def test_rows_of_every_cluster_stand_in_one_table() -> None:
    async with console() as at:
        await at.open("hpa", 6)
        assert set(at.clusters()) == {USW2, "prod-eu-central-1", "staging-ap-1"}
        assert at.table.table.view.columns[0].title == "Cluster"


async def test_the_cursor_stays_on_its_row_when_rows_move() -> None:
    async with console(many) as at:
        await at.open("pods", 100)
        await at.press("j", "j", "j")
        table = at.table.table
        key = table.cursor_key
        assert key is not None
        before = table.cursor
        for other in [k for k in table.rows.ordered() if k != key][20:40]:
            change(at, other, status="CrashLoopBackOff", ready=0, is_ready=False, restarts=50)
        await until(lambda: table.cursor != before)
        assert table.rows.key_at(table.cursor) == key
        assert table.current is not None
        assert table.current.key == key


async def test_a_removed_row_leaves_the_cursor_at_its_place() -> None:
    async with console(many) as at:
        await at.open("pods", 100)
        await at.press("j", "j")
        table = at.table.table
        key = table.cursor_key
        assert key is not None
        at.app.store.remove(key)
        await at.rows(99)
        assert table.cursor == 2
        assert table.cursor_key not in (None, key)


async def test_a_new_row_enters_at_its_place_in_the_order() -> None:
    async with console(many) as at:
        await at.open("pods", 100)
        worse = next(iter(pods(USW2, 1)))
        key = Key(USW2, "pod", "a-first", "aaa")
        worse = msgspec.structs.replace(
            worse, key=key, status="CrashLoopBackOff", ready=0, is_ready=False
        )
        at.app.store.upsert(worse)
        await at.rows(101)
        assert at.table.table.rows.index(key) == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("acme", {"acme"}),
        ("!acme|globex|initech", {"stark", "wayne", "oscorp"}),
        ("-l ai-shifu.io/tenant=stark", {"stark"}),
        ("-f osco", {"oscorp"}),
    ],
)
async def test_the_filter_takes_four_forms(text: str, found: set[str]) -> None:
    async with console() as at:
        await at.open("tenants", 6)
        for letter in ["slash", *text, "enter"]:
            await at.press({" ": "space"}.get(letter, letter))
        await at.rows(len(found))
        assert set(at.names()) == found
        assert f"/{text}" in rendered(at.app)


async def test_a_broken_filter_says_why_and_changes_nothing() -> None:
    async with console() as at:
        await at.open("tenants", 6)
        await at.press("slash", "left_parenthesis", "enter")
        await at.settled()
        assert len(at.names()) == 6
        assert "not a regular expression" in rendered(at.app)


async def test_only_faults_keeps_what_is_wrong() -> None:
    async with console() as at:
        await at.open("hpa", 6)
        await at.press("ctrl+z")
        await at.rows(1)
        assert at.table.selection()[0].key.namespace == "tenant-acme"
        await at.press("ctrl+z")
        await at.rows(6)


async def test_escape_clears_the_filter_then_the_marks_then_goes_back() -> None:
    async with console() as at:
        await at.open("tenants", 6)
        await at.filter("a")
        await at.press("space")
        assert len(at.table.table.marks) == 1
        await at.press("escape")
        await at.rows(6)
        await at.press("escape")
        assert not at.table.table.marks
        await at.press("escape")
        await at.home()


async def test_marks_say_how_many_and_over_how_many_clusters() -> None:
    async with console() as at:
        await at.open("tenants", 6)
        for _ in range(6):
            await at.press("space")
        await at.pilot.pause()
        assert "6 marked in 3 clusters" in rendered(at.app)
        await at.press("ctrl+backslash")
        await at.pilot.pause()
        assert "marked" not in rendered(at.app)


async def test_a_range_is_marked_from_the_last_mark() -> None:
    async with console(many) as at:
        await at.open("pods", 100)
        await at.press("space", "j", "j", "j", "ctrl+@")
        assert len(at.table.table.marks) == 5


async def test_the_scope_of_a_command_narrows_the_table() -> None:
    async with console() as at:
        await at.open("hpa @prod-eu-*", 2)
        assert set(at.clusters()) == {"prod-eu-central-1"}


async def test_a_label_of_a_command_narrows_the_table() -> None:
    async with console() as at:
        await at.open("tenants tenant=stark", 1)
        assert at.names() == ["stark"]


async def test_digits_choose_the_scope_and_zero_takes_all_again() -> None:
    async with console() as at:
        await at.open("hpa", 6)
        await at.press("3")
        await at.rows(2)
        assert at.app.scope == ("prod-eu-central-1",)
        await at.press("0")
        await at.rows(6)


async def test_an_unknown_kind_names_the_nearest_and_stays() -> None:
    async with console() as at:
        await at.open("hpa", 6)
        await at.type("tenats")
        await until(lambda: bool(at.app._notifications))
        assert any("tenants" in note.message for note in at.app._notifications)
        assert at.table.kind() == "hpa"


async def test_back_forward_and_last_return_to_views_as_they_were_left() -> None:
    async with console() as at:
        await at.open("tenants", 6)
        await at.press("ctrl+z", "ctrl+z", "j", "j")
        key = at.table.table.cursor_key
        await at.open("hpa", 6)
        await at.press("left_square_bracket")
        await at.rows(6)
        assert at.table.kind() == "tenant"
        assert at.table.table.cursor_key == key
        await at.press("right_square_bracket")
        await until(lambda: getattr(at.app.screen, "kind", str)() == "hpa")
        await at.press("minus")
        await until(lambda: getattr(at.app.screen, "kind", str)() == "tenant")


async def test_enter_on_a_cluster_shows_its_tenants() -> None:
    async with console() as at:
        home = await at.home()
        home.table.go_to(Key("prod-eu-central-1", "cluster", "", "prod-eu-central-1"))
        await at.press("enter")
        await at.rows(2)
        assert set(at.names()) == {"stark", "wayne"}


async def test_a_column_is_sorted_by_and_turned_round_when_asked_again() -> None:
    async with console(many) as at:
        await at.open("pods", 100)
        await at.press("N")
        await at.settled()
        names = at.names()
        assert names == sorted(names)
        await at.press("N")
        await at.settled()
        assert at.names() == names[::-1]


async def test_the_header_is_sorted_by_a_click() -> None:
    async with console(many) as at:
        await at.open("pods", 100)
        table = at.table.table
        await at.pilot.click(ViewTable, offset=(table.painter.layout[0].width + 6, 0))
        await at.settled()
        assert table.wanted.sort == table.painter.layout[1].index


async def test_a_chosen_column_beyond_the_edge_comes_into_sight() -> None:
    async with console(many, size=(60, 20)) as at:
        await at.open("pods", 100)
        table = at.table.table
        last = table.painter.shown[-1]
        assert last not in {place.index for place in table.painter.layout}
        for _ in table.painter.shown:
            await at.press("shift+right")
        assert table.painter.chosen == last
        assert last in {place.index for place in table.painter.layout}


async def test_an_old_row_is_not_told_as_sure() -> None:
    def stale(store: Store) -> None:
        fill(store)
        live(store, KINDS, ["prod-eu-central-1"], age=20.0)
        live(store, KINDS, ["staging-ap-1"], age=400.0)

    async with console(stale) as at:
        await at.open("nodes", 12)
        lines = {line for line in rendered(at.app).splitlines() if "ip-10" in line}
        frankfurt = [line for line in lines if "prod-eu-central-1" in line]
        assert len(frankfurt) == 3
        assert all("~" in line for line in frankfurt)
        assert all("? UNKNOWN" in line for line in lines if "staging-ap-1" in line)


def source(cluster: str, kind: str, **more: object) -> Source:
    return Source(cluster=cluster, kind=kind, method="watch", **more)  # type: ignore[arg-type]


async def test_an_empty_table_says_whom_it_waits_for_and_who_refused() -> None:
    def partly(store: Store) -> None:
        live(store, ("hpa",), ["mgmt-us-west-2"])
        store.note(
            source(USW2, "hpa", state=SourceState.FORBIDDEN, error="may not list", status=403)
        )
        store.note(source("prod-eu-central-1", "hpa", state=SourceState.ABSENT, error="404"))

    async with console(partly) as at:
        await at.type("hpa")
        await until(lambda: "waiting for 1 of 4: staging-ap-1" in rendered(at.app))
        shown = rendered(at.app)
        assert f"{USW2}: forbidden to list hpas" in shown
        assert "prod-eu-central-1: does not serve hpas" in shown


async def test_an_empty_table_says_when_the_filter_hides_everything() -> None:
    async with console() as at:
        await at.open("tenants", 6)
        await at.filter("nothing-like-this")
        await until(lambda: "none of 6 tenants match /nothing-like-this" in rendered(at.app))


async def test_a_kind_is_watched_while_it_is_looked_at() -> None:
    async with console() as at:
        await at.open("pods", 21)
        assert any("pod" in look for look in at.fleet.watched)
        await at.open("nodes", 12)
        await until(lambda: len(at.fleet.watched) == 1)
        assert all("pod" not in look or "node" in look for look in at.fleet.watched)


async def test_a_changed_cell_is_marked_for_a_moment() -> None:
    async with console(many) as at:
        await at.open("pods", 100)
        table = at.table.table
        key = table.rows.ordered()[5]
        change(at, key, restarts=4242)
        await until(lambda: "4242" in rendered(at.app))
        line = next(
            strip
            for strip in at.app.screen._compositor.render_strips()
            if "4242" in "".join(segment.text for segment in strip)
        )
        lit = [part for part in line if part.text.strip() == "4242"]
        assert lit
        assert all(part.style is not None and part.style.underline for part in lit)


async def test_rows_are_saved_as_shown_and_never_over_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with console() as at:
        await at.open("tenants", 6)
        await at.type("save tenants.csv")
        await until((tmp_path / "tenants.csv").exists)
        lines = (tmp_path / "tenants.csv").read_text().splitlines()
        assert len(lines) == 7
        assert lines[0].startswith("Cluster,")
        await at.type("save tenants.csv")
        await until(lambda: any("already" in note.message for note in at.app._notifications))


async def test_the_name_and_the_path_are_copied() -> None:
    async with console() as at:
        await at.open("tenants", 6)
        current = at.table.table.current
        assert current is not None
        await at.press("c")
        assert at.app.clipboard == current.key.name
        await at.press("C")
        assert at.app.clipboard == str(current.key)


async def test_what_is_typed_before_the_prompt_has_the_focus_is_not_lost() -> None:
    async with console() as at:
        await until(lambda: getattr(at.app.screen, "prompt", None) is not None)
        from textual import events

        driver = at.app._driver
        assert driver is not None
        for key, character in [("colon", ":"), ("h", "h"), ("p", "p"), ("a", "a"), ("enter", "\r")]:
            driver.send_message(events.Key(key, character))
        await at.rows(6)
        assert at.table.kind() == "hpa"


async def test_a_thousand_changes_keep_every_row_at_its_place() -> None:
    async with console(many) as at:
        await at.open("pods", 100)
        rows = at.table.table.rows
        keys = rows.ordered()
        for turn in range(1000):
            bad = turn % 3 == 0
            change(
                at,
                keys[turn * 37 % 100],
                status="CrashLoopBackOff" if bad else "Running",
                ready=0 if bad else 1,
                is_ready=not bad,
                restarts=turn,
            )
        await until(lambda: not at.app.store._changed)
        await at.settled()
        entries = rows.entries
        assert entries == sorted(entries)
        assert set(rows.ordered()) == set(keys)
        assert all(rows.key_at(index) == key for index, key in enumerate(rows.ordered()))
        assert all(rows.index(key) == index for index, key in enumerate(rows.ordered()))
