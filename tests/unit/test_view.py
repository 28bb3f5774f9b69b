"""Provenance: how far a word can be believed."""

from typing import Any

import pytest

from console.record import Key, Record, Tone, Word
from console.store import PROBE, Freshness, Source, SourceState, Store
from console.view import Column, KubeSource, View
from tests.unit.resources.world import NOW, HeldClock

READ = KubeSource[Any, Any](path="/x", wire=Any, flatten=lambda cluster, wire: None)


def view(**more: Any) -> View[Record]:
    return View(
        kind="thing",
        title="Things",
        record=Record,
        columns=(Column[Record](title="Name", text=lambda record, _: record.key.name),),
        word=lambda record, _: Word("FINE", Tone.OK, "as ever"),
        **more,
    )


@pytest.fixture
def store() -> Store:
    return Store(HeldClock())


def note(store: Store, kind: str, age: float, interval: float = 60.0) -> None:
    store.note(
        Source(
            cluster="one",
            kind=kind,
            method="watch",
            state=SourceState.LIVE,
            interval=interval,
            contact_at=NOW - age,
            complete_at=NOW - age,
        )
    )


RECORD = Record(key=Key("one", "thing", "", "a"))


@pytest.mark.parametrize(
    ("age", "text", "tone"),
    [
        (120, "FINE", Tone.OK),
        (121, "FINE", Tone.STALE),
        (300, "FINE", Tone.STALE),
        (301, "UNKNOWN", Tone.UNKNOWN),
    ],
)
def test_word_ages_with_its_source(store: Store, age: float, text: str, tone: Tone) -> None:
    note(store, "thing", age)
    word = view(source=READ).judged(RECORD, store.snapshot)
    assert (word.text, word.tone) == (text, tone)


def test_stale_word_says_since_when_and_keeps_its_reason(store: Store) -> None:
    note(store, "thing", 200)
    assert (
        view(source=READ).judged(RECORD, store.snapshot).reason == "last heard 3m20s ago; as ever"
    )


def test_unknown_word_tells_what_it_was(store: Store) -> None:
    word = view(source=READ).judged(RECORD, store.snapshot)
    assert word.reason == "last heard never; was FINE"


def test_silent_cluster_ages_every_kind(store: Store) -> None:
    note(store, "thing", 1)
    note(store, PROBE, 30, interval=5)
    assert view(source=READ).judged(RECORD, store.snapshot).tone is Tone.UNKNOWN


def test_computed_record_is_as_fresh_as_what_it_is_computed_from(store: Store) -> None:
    note(store, "base", 200)
    note(store, "other", 1)
    computed = view(derive=lambda look: [RECORD], needs=("base", "other"))
    found = computed.provenance(RECORD, store.snapshot)
    assert (found.freshness, found.observed_at) == (Freshness.STALE, NOW - 200)
    assert found.source == "watch"


def test_the_consoles_own_records_are_always_fresh(store: Store) -> None:
    found = view().provenance(RECORD, store.snapshot)
    assert (found.source, found.freshness) == ("console", Freshness.FRESH)


def test_watched_names_own_and_needed_kinds_once() -> None:
    assert view(source=READ, needs=("other", "thing")).watched == ("thing", "other")
    assert view(needs=("base", "other")).watched == ("base", "other")
    assert view().watched == ()
