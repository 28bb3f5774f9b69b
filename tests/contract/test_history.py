"""After a compaction the past is gone, and the answers say how to go on."""

from tests.contract import objects
from tests.contract.client import Space

OWN = "contract=own"


async def test_after_a_compaction_old_versions_and_pages_are_gone(space: Space) -> None:
    for name in ("one", "two", "three"):
        body = objects.config_map(name, labels={"contract": "own"})
        await space.create("configmaps", body)
    path = space.path("configmaps")
    first = await space.api.get(path, limit=1, labelSelector=OWN)
    await space.api.delete(space.path("configmaps", "two"))
    await space.api.compact()

    rest = await space.api.get(
        path, limit=9, labelSelector=OWN, after=first.body["metadata"]["continue"]
    )
    assert (rest.status, rest.reason) == (410, "Expired")
    assert rest.message.startswith("The provided continue parameter is too old")

    onwards = await space.api.get(
        path, limit=9, labelSelector=OWN, after=rest.body["metadata"]["continue"]
    )
    assert onwards.status == 200
    assert onwards.names == ["three"]

    exact = await space.api.get(
        path,
        limit=9,
        labelSelector=OWN,
        resourceVersion=first.revision,
        resourceVersionMatch="Exact",
    )
    assert (exact.status, exact.reason) == (410, "Expired")

    async with space.api.watch(path, resourceVersion=first.revision) as events:
        event = await events.next()
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
