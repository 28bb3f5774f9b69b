"""Lists: pages, selectors, versions."""

import pytest

from tests.contract import objects
from tests.contract.client import Api, Space


async def fill(space: Space, count: int) -> None:
    for number in range(count):
        marks = {"parity": "odd" if number % 2 else "even", f"only-{number}": "yes"}
        await space.create("configmaps", objects.config_map(f"cm-{number}", labels=marks))


OWN = "parity"


async def test_pages_hold_every_object_once_and_count_what_remains(space: Space) -> None:
    await fill(space, 5)
    path, seen, remaining, after, revisions = space.path("configmaps"), [], [], "", set()
    while True:
        options = {"after": after} if after else {}
        found = await space.api.get(path, limit=2, **options)
        assert found.status == 200
        seen += found.names
        remaining.append(found.body["metadata"].get("remainingItemCount"))
        revisions.add(found.revision)
        after = found.body["metadata"].get("continue", "")
        if not after:
            break
    own = [name for name in seen if name.startswith("cm-")]
    assert own == [f"cm-{number}" for number in range(5)]
    assert remaining == [*range(len(seen) - 2, 0, -2), None]
    assert len(revisions) == 1


async def test_later_pages_show_the_world_of_the_first(space: Space) -> None:
    await fill(space, 4)
    path = space.path("configmaps")
    first = await space.api.get(path, limit=2, labelSelector=OWN)
    await space.create("configmaps", objects.config_map("cm-9", labels={OWN: "late"}))
    await space.api.delete(space.path("configmaps", "cm-3"))
    after = first.body["metadata"]["continue"]
    rest = await space.api.get(path, limit=9, labelSelector=OWN, after=after)
    assert rest.names == ["cm-2", "cm-3"]


async def test_selected_pages_do_not_count_what_remains(space: Space) -> None:
    await fill(space, 3)
    found = await space.api.get(space.path("configmaps"), limit=1, labelSelector=OWN)
    assert found.body["metadata"]["continue"]
    assert "remainingItemCount" not in found.body["metadata"]


async def test_a_limit_is_ignored_for_a_list_from_the_cache(space: Space) -> None:
    await fill(space, 3)
    path = space.path("configmaps")
    found = await space.api.eventually(
        path, lambda answer: len(answer.names) >= 3, limit=1, resourceVersion="0"
    )
    assert "continue" not in found.body["metadata"]


async def test_a_broken_continue_token_is_a_bad_request(space: Space) -> None:
    found = await space.api.get(space.path("configmaps"), limit=1, after="nonsense")
    assert (found.status, found.reason) == (400, "BadRequest")


async def test_items_of_built_in_lists_do_not_repeat_their_kind(space: Space) -> None:
    await fill(space, 1)
    found = await space.api.get(space.path("configmaps"))
    assert (found.body["kind"], found.body["apiVersion"]) == ("ConfigMapList", "v1")
    assert not {"kind", "apiVersion"} & found.body["items"][0].keys()


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("parity=odd", "13"),
        ("parity==odd", "13"),
        ("parity!=odd,parity", "024"),
        ("parity in (odd,even),only-1", "1"),
        ("parity notin (odd),parity", "024"),
        ("only-4", "4"),
        ("!only-4,parity", "0123"),
        ("parity=none", ""),
    ],
)
async def test_a_label_selector_chooses(space: Space, selector: str, expected: str) -> None:
    await fill(space, 5)
    found = await space.api.get(space.path("configmaps"), labelSelector=selector)
    assert found.names == [f"cm-{number}" for number in expected]


async def test_a_broken_label_selector_is_a_bad_request(space: Space) -> None:
    found = await space.api.get(space.path("configmaps"), labelSelector="a in b")
    assert (found.status, found.reason) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("metadata.name=two", ["two"]),
        ("metadata.name!=two", ["one"]),
        ("status.phase=Pending", ["one", "two"]),
        ("status.phase=Running", []),
        ("spec.nodeName=", ["one", "two"]),
    ],
)
async def test_a_field_selector_chooses(space: Space, selector: str, expected: list[str]) -> None:
    for name in ("one", "two"):
        await space.create("pods", objects.pod(name))
    found = await space.api.get(space.path("pods"), fieldSelector=selector)
    assert found.names == expected


async def test_a_field_that_is_not_indexed_is_refused_by_name(space: Space) -> None:
    found = await space.api.get(space.path("pods"), fieldSelector="spec.priority=1")
    assert (found.status, found.reason) == (400, "BadRequest")
    assert "field label not supported: spec.priority" in found.message


async def test_a_version_match_needs_a_version(space: Space) -> None:
    found = await space.api.get(space.path("configmaps"), resourceVersionMatch="Exact")
    assert (found.status, found.reason) == (422, "Invalid")


async def test_an_exact_list_shows_the_past(space: Space) -> None:
    await fill(space, 1)
    path = space.path("configmaps")
    before = await space.api.get(path, labelSelector=OWN)
    await space.create("configmaps", objects.config_map("later", labels={OWN: "late"}))
    past = await space.api.get(
        path,
        labelSelector=OWN,
        resourceVersion=before.revision,
        resourceVersionMatch="Exact",
        limit=10,
    )
    assert past.names == before.names
    assert past.revision == before.revision


async def test_a_version_that_is_not_there_yet_times_out(space: Space) -> None:
    found = await space.api.get(space.path("configmaps"), resourceVersion="999999999")
    assert (found.status, found.reason) == (504, "Timeout")
    causes = [cause["reason"] for cause in found.body["details"]["causes"]]
    assert causes == ["ResourceVersionTooLarge"]


async def test_a_large_list_is_compressed_for_a_client_that_can_read_it(space: Space) -> None:
    await space.create("configmaps", objects.config_map("large", text="x" * 200_000))
    path = space.path("configmaps")
    packed = await space.api.get(path, headers={"Accept-Encoding": "gzip"})
    plain = await space.api.get(path, headers={"Accept-Encoding": "identity"})
    assert packed.headers.get("Content-Encoding") == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.body["items"] == plain.body["items"]


async def test_a_list_of_all_namespaces_is_ordered_by_namespace_and_name(api: Api) -> None:
    found = await api.get("/api/v1/configmaps", limit=500)
    keys = [
        f"{item['metadata']['namespace']}/{item['metadata']['name']}"
        for item in found.body["items"]
    ]
    assert keys == sorted(keys)
