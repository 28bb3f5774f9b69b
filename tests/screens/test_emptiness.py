import pytest

from console.clock import SystemClock
from console.resources import views
from console.store import Source, SourceState, Store
from screens.emptiness import left_out

CLUSTERS = ("apse1", "euc1", "usw2")


def _store(**odd: Source | None) -> Store:
    """Return a store in which every cluster's pods are live, but for the odd ones."""
    store = Store(SystemClock())
    now = store.snapshot.now()
    for alias in CLUSTERS:
        live = Source(
            cluster=alias,
            kind="pod",
            method="watch",
            state=SourceState.LIVE,
            contact_at=now,
            complete_at=now,
        )
        source = odd.get(alias, live)
        if source is not None:
            store.note(source)
    return store


def test_rows_that_speak_for_every_cluster_say_nothing() -> None:
    assert left_out(views()["pod"], _store().snapshot, CLUSTERS) == ""


@pytest.mark.parametrize(
    "odd",
    [
        None,
        Source(cluster="euc1", kind="pod", method="watch"),
        Source(cluster="euc1", kind="pod", method="watch", state=SourceState.FORBIDDEN),
        Source(cluster="euc1", kind="pod", method="watch", contact_at=1.0, complete_at=1.0),
    ],
    ids=["not asked", "not complete", "forbidden", "silent for long"],
)
def test_a_cluster_the_rows_do_not_speak_for_is_named(odd: Source | None) -> None:
    said = left_out(views()["pod"], _store(euc1=odd).snapshot, CLUSTERS)
    assert said == "2 of 3 clusters: without euc1"


def test_a_cluster_that_does_not_serve_the_kind_lacks_nothing() -> None:
    absent = Source(cluster="euc1", kind="pod", method="watch", state=SourceState.ABSENT)
    assert left_out(views()["pod"], _store(euc1=absent).snapshot, CLUSTERS) == ""
