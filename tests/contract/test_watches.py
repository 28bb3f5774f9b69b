"""Watches: what they start with, what they tell, how they end."""

from tests.contract import objects
from tests.contract.client import MERGE_PATCH, TABLE, Space

OWN = "contract=own"
MARK = {"contract": "own"}


async def test_a_watch_tells_of_every_change_after_its_version(space: Space) -> None:
    path = space.path("configmaps")
    start = (await space.api.get(path)).revision
    await space.create("configmaps", objects.config_map("one", labels=MARK))
    one = space.path("configmaps", "one")
    await space.api.patch(one, {"data": {"a": "1"}}, MERGE_PATCH)
    gone = await space.api.delete(one)
    assert gone.status == 200
    async with space.api.watch(path, resourceVersion=start, labelSelector=OWN) as events:
        found = [await events.next() for _ in range(3)]
    assert [event["type"] for event in found] == ["ADDED", "MODIFIED", "DELETED"]
    assert found[0]["object"]["kind"] == "ConfigMap"
    assert found[1]["object"]["data"] == {"a": "1"}
    revisions = [int(event["object"]["metadata"]["resourceVersion"]) for event in found]
    assert revisions == sorted(set(revisions))


async def test_a_watch_without_a_version_starts_with_what_is_there(space: Space) -> None:
    for name in ("one", "two"):
        await space.create("configmaps", objects.config_map(name, labels=MARK))
    async with space.api.watch(space.path("configmaps"), labelSelector=OWN) as events:
        found = [await events.next() for _ in range(2)]
        await space.create("configmaps", objects.config_map("three", labels=MARK))
        found.append(await events.next())
    assert {event["type"] for event in found} == {"ADDED"}
    names = [event["object"]["metadata"]["name"] for event in found]
    assert sorted(names[:2]) == ["one", "two"]
    assert names[2] == "three"


async def test_leaving_a_selector_looks_like_a_deletion(space: Space) -> None:
    made = await space.create("configmaps", objects.config_map("one", labels=MARK))
    path, one = space.path("configmaps"), space.path("configmaps", "one")
    async with space.api.watch(path, resourceVersion=made.revision, labelSelector=OWN) as events:
        for value in (None, "own"):
            await space.api.patch(one, {"metadata": {"labels": {"contract": value}}}, MERGE_PATCH)
        found = [await events.next() for _ in range(2)]
    assert [event["type"] for event in found] == ["DELETED", "ADDED"]


async def test_one_object_can_be_watched_by_its_name(space: Space) -> None:
    async with space.api.watch(
        space.path("configmaps"), fieldSelector="metadata.name=two"
    ) as events:
        for name in ("one", "two"):
            await space.create("configmaps", objects.config_map(name))
        event = await events.next()
    assert event["object"]["metadata"]["name"] == "two"


async def test_a_watch_ends_at_its_timeout_with_a_bookmark_before(space: Space) -> None:
    path = space.path("configmaps")
    start = (await space.api.get(path)).revision
    async with space.api.watch(
        path, resourceVersion=start, timeoutSeconds=6, allowWatchBookmarks="true", labelSelector=OWN
    ) as events:
        await space.create("configmaps", objects.config_map("not-selected"))
        found = await events.rest()
    assert found
    assert {event["type"] for event in found} == {"BOOKMARK"}
    assert found[-1]["object"]["kind"] == "ConfigMap"
    assert int(found[-1]["object"]["metadata"]["resourceVersion"]) >= int(start)


async def test_bookmarks_come_only_when_asked_for(space: Space) -> None:
    path = space.path("configmaps")
    async with space.api.watch(path, timeoutSeconds=3, labelSelector=OWN) as events:
        assert await events.rest() == []


async def test_a_streamed_list_ends_with_a_marked_bookmark(space: Space) -> None:
    await space.create("configmaps", objects.config_map("one", labels=MARK))
    async with space.api.watch(
        space.path("configmaps"),
        sendInitialEvents="true",
        resourceVersionMatch="NotOlderThan",
        allowWatchBookmarks="true",
        labelSelector=OWN,
    ) as events:
        found = [await events.next() for _ in range(2)]
    assert [event["type"] for event in found] == ["ADDED", "BOOKMARK"]
    marks = found[1]["object"]["metadata"]["annotations"]
    assert marks == {"k8s.io/initial-events-end": "true"}


async def test_a_streamed_list_needs_its_version_match(space: Space) -> None:
    found = await space.api.get(space.path("configmaps"), watch=1, sendInitialEvents="true")
    assert (found.status, found.reason) == (422, "Invalid")


async def test_a_version_from_before_history_is_gone(space: Space) -> None:
    async with space.api.watch(space.path("configmaps"), resourceVersion="1") as events:
        event = await events.next()
        assert event["type"] == "ERROR"
        status = event["object"]
        assert (status["kind"], status["code"], status["reason"]) == ("Status", 410, "Expired")
        assert status["message"].startswith("too old resource version: 1 (")
        assert await events.next() is None


async def test_rows_can_be_watched_as_tables(space: Space) -> None:
    async with space.api.watch(space.path("configmaps"), accept=TABLE, labelSelector=OWN) as events:
        for name in ("one", "two"):
            await space.create("configmaps", objects.config_map(name, labels=MARK))
        first, second = [await events.next() for _ in range(2)]
    assert first["object"]["kind"] == "Table"
    assert first["object"]["columnDefinitions"]
    assert not second["object"]["columnDefinitions"]
    assert first["object"]["rows"][0]["cells"][0] == "one"
