"""The store: one copy, read live, changes told by key."""

import pytest

from console.record import Key, Record
from console.store import PROBE, Freshness, Source, SourceState, Store


class FakeClock:
    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def _record(name: str, namespace: str = "acme", cluster: str = "one", kind: str = "pod") -> Record:
    return Record(key=Key(cluster, kind, namespace, name))


def _source(kind: str = "pod", contact_at: float | None = None, interval: float = 60.0) -> Source:
    return Source(
        cluster="one", kind=kind, method="watch", contact_at=contact_at, interval=interval
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> Store:
    return Store(clock)


def test_records_are_found_by_key_kind_cluster_and_namespace(store: Store) -> None:
    wanted = _record("api")
    others = [
        _record("api", "globex"),
        _record("api", cluster="two"),
        _record("api", kind="deployment"),
    ]
    for record in (wanted, *others):
        store.upsert(record)
    look = store.snapshot
    assert look.get(wanted.key) is wanted
    assert list(look.rows("pod", {"one"})) == [wanted, others[0]]
    assert list(look.rows("pod")) == [wanted, others[0], others[1]]
    assert look.in_namespace("one", "pod", "acme") == [wanted]
    assert look.count("pod", "one") == 2


def test_reading_what_is_not_there_leaves_no_trace(store: Store) -> None:
    look = store.snapshot
    assert look.get(_record("api").key) is None
    assert list(look.rows("pod")) == []
    assert look.in_namespace("one", "pod", "acme") == []
    assert look.count("pod", "one") == 0
    store.remove(_record("api").key)
    assert store.tables == {}


def test_a_removed_record_leaves_no_empty_namespace(store: Store) -> None:
    store.upsert(_record("api"))
    store.remove(_record("api").key)
    assert store.rows_of("one", "pod") == {}
    assert list(store.snapshot.rows("pod")) == []


def test_rows_may_change_while_they_are_walked(store: Store) -> None:
    for name in "abc":
        store.upsert(_record(name))
    for record in store.snapshot.rows("pod"):
        store.remove(record.key)
        store.upsert(_record(f"{record.key.name}-new", "globex"))
    assert {record.key.name for record in store.snapshot.rows("pod")} == {"a-new", "b-new", "c-new"}


def test_keep_only_forgets_what_a_list_did_not_name(store: Store) -> None:
    for name in "abc":
        store.upsert(_record(name))
    store.upsert(_record("a", cluster="two"))
    store.take_batch()
    store.keep_only("one", "pod", {("acme", "a")})
    assert [str(record.key) for record in store.snapshot.rows("pod")] == [
        "one/acme/a",
        "two/acme/a",
    ]
    assert {key.name for key in store.take_batch().keys} == {"b", "c"}


def test_a_batch_names_each_changed_key_once(store: Store) -> None:
    woken: list[None] = []
    stop = store.on_change(lambda: woken.append(None))
    store.upsert(_record("a"))
    store.upsert(_record("a"))
    store.upsert(_record("b"))
    batch = store.take_batch()
    assert batch.keys == {_record("a").key, _record("b").key}
    assert batch.kinds == {"pod"}
    assert len(woken) == 1
    assert store.take_batch().keys == frozenset()
    stop()
    store.upsert(_record("c"))
    assert len(woken) == 1


def test_versions_move_with_their_kind_only(store: Store) -> None:
    look = store.snapshot
    before = look.version(["pod"]), look.version(["node"])
    store.upsert(_record("a"))
    assert look.version(["pod"]) != before[0]
    assert look.version(["node"]) == before[1]


def test_a_sign_of_life_wakes_nobody_but_a_new_state_does(store: Store) -> None:
    store.note(_source(contact_at=1000.0))
    store.take_batch()
    store.note(_source(contact_at=1001.0))
    store.contact("one", "pod", 1005.0)
    assert store.take_batch().sources == frozenset()
    found = store.snapshot.source("one", "pod")
    assert found is not None
    assert found.contact_at == 1005.0
    store.note(Source(cluster="one", kind="pod", method="watch", state=SourceState.FAILING))
    assert store.take_batch().sources == {("one", "pod")}


def test_contact_of_an_unknown_source_makes_none(store: Store) -> None:
    store.contact("one", "pod", 1005.0)
    assert store.snapshot.source("one", "pod") is None


def test_forgetting_a_source_takes_its_records(store: Store) -> None:
    store.note(_source())
    store.upsert(_record("a"))
    store.forget_source("one", "pod")
    assert list(store.snapshot.rows("pod")) == []
    assert store.snapshot.source("one", "pod") is None


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (0.0, Freshness.FRESH),
        (120.0, Freshness.FRESH),
        (120.1, Freshness.STALE),
        (300.0, Freshness.STALE),
        (300.1, Freshness.UNKNOWN),
    ],
)
def test_freshness_falls_after_two_and_five_intervals(
    store: Store, clock: FakeClock, age: float, expected: Freshness
) -> None:
    store.note(_source(contact_at=1000.0))
    clock.time = 1000.0 + age
    assert store.snapshot.freshness("one", "pod") is expected


def test_freshness_is_never_better_than_the_clusters_probe(store: Store, clock: FakeClock) -> None:
    store.note(_source(contact_at=1000.0))
    store.note(_source(PROBE, contact_at=1000.0, interval=5.0))
    clock.time = 1015.0
    assert store.snapshot.freshness("one", "pod") is Freshness.STALE


def test_what_nobody_asked_for_is_unknown(store: Store) -> None:
    store.note(_source(PROBE, contact_at=1000.0))
    assert store.snapshot.freshness("one", "pod") is Freshness.UNKNOWN
