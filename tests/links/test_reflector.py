"""A kind of a cluster stays equal to its server, whatever happens between them."""

import asyncio
import json

import msgspec
import pytest
from aiohttp import web

from console.record import Record
from console.store import SourceState
from tests.links import fake_api
from tests.links.fake_api import (
    PODS,
    FakeApi,
    always,
    black_hole,
    mute,
    pod,
    serve,
    status,
    write_line,
)
from tests.links.fleets import (
    cluster,
    eventually,
    fleet_of,
    names,
    paced,
    records,
    running,
    source,
)


def _fill(api: FakeApi, count: int, start: int = 0) -> set[str]:
    found = {f"api-{number:05}" for number in range(start, start + count)}
    for name in found:
        api.put(pod(name))
    return found


async def test_list_and_watch_follow_the_server() -> None:
    async with serve() as api:
        expected = _fill(api, 3)
        async with running(cluster(api.url)) as fleet:
            fleet.watch(["pod"])
            await eventually(lambda: names(fleet) == expected)
            await eventually(lambda: api.asked(PODS, watch=True))
            api.put(pod("late"))
            api.delete("acme", "api-00001")
            await eventually(lambda: names(fleet) == (expected | {"late"}) - {"api-00001"})
            found = source(fleet, "pod")
    assert found.state is SourceState.LIVE
    assert found.complete_at is not None
    assert found.error == ""
    assert len(api.asked(PODS, watch=False)) == 1


async def test_long_lists_come_in_pages() -> None:
    async with serve() as api:
        expected = _fill(api, 1203)
        fleet = fleet_of(cluster(api.url))
        await fleet.collect(["pod"])
        await fleet.close()
    assert names(fleet) == expected
    assert len(api.asked(PODS)) == 3


async def test_first_rows_are_there_before_the_last_page() -> None:
    async with serve() as api:
        expected = _fill(api, 600)
        gate = asyncio.Event()

        async def hold_second(request: web.Request) -> web.StreamResponse:
            if "continue" in request.query:
                await gate.wait()
            return await api._list(request)

        api.fault(hold_second, PODS, watch=False)
        async with running(cluster(api.url), timeout=30.0) as fleet:
            fleet.watch(["pod"])
            await eventually(lambda: len(names(fleet)) == 500)
            assert source(fleet, "pod").complete_at is None
            gate.set()
            await eventually(lambda: names(fleet) == expected)


async def test_a_complete_list_prunes_what_it_does_not_name() -> None:
    async with serve() as api:
        _fill(api, 3)
        async with running(cluster(api.url)) as fleet:
            fleet.watch(["pod"])
            await eventually(lambda: api.asked(PODS, watch=True))
            api.fault(always(lambda: status(410, "too old", "Expired")), PODS, times=1, watch=True)
            del api.collections[PODS]["acme", "api-00001"]
            fleet.refresh()
            await eventually(lambda: names(fleet) == {"api-00000", "api-00002"})


@pytest.mark.parametrize("as_event", [True, False])
async def test_gone_relists_without_losing_rows(as_event: bool) -> None:
    async with serve() as api:
        expected = _fill(api, 3)
        seen: list[int] = []
        async with running(cluster(api.url)) as fleet:
            fleet.watch(["pod"])
            await eventually(lambda: api.asked(PODS, watch=True))
            fleet.store.on_change(lambda: seen.append(len(names(fleet))))
            if not as_event:
                answer = always(lambda: status(410, "too old resource version", "Expired"))
                api.fault(answer, PODS, times=1, watch=True)
            api.compact()
            _end_watches(api)
            api.put(pod("late"))
            await eventually(lambda: names(fleet) == expected | {"late"})
            await eventually(lambda: source(fleet, "pod").state is SourceState.LIVE)
    assert len(api.asked(PODS, watch=False)) == 2
    assert min(seen) >= 3


def _end_watches(api: FakeApi) -> None:
    for request in api.asked(PODS, watch=True):
        if request.transport is not None:
            request.transport.close()


async def test_an_outdated_continue_token_starts_the_list_again() -> None:
    async with serve() as api:
        expected = _fill(api, 700)
        fleet = fleet_of(cluster(api.url))
        asked = 0

        async def compact_after_first(request: web.Request) -> web.StreamResponse:
            nonlocal asked
            asked += 1
            if asked == 2:
                api.compact()
            return await api._list(request)

        api.fault(compact_after_first, PODS)
        await fleet.collect(["pod"])
        await fleet.close()
    assert names(fleet) == expected
    assert source(fleet, "pod").state is SourceState.LIVE
    assert asked == 4


async def test_unchanged_objects_wake_nobody_on_a_relist() -> None:
    async with serve() as api:
        _fill(api, 5)
        fleet = fleet_of(cluster(api.url))
        await fleet.collect(["pod"])
        before = fleet.look.version(["pod"])
        await fleet.collect(["pod"])
        await fleet.close()
    assert fleet.look.version(["pod"]) == before


async def test_bookmarks_move_the_watch_forward() -> None:
    async with serve() as api:
        api.bookmark_every = 0.02
        _fill(api, 1)
        async with running(cluster(api.url)) as fleet:
            fleet.watch(["pod"])
            await eventually(lambda: names(fleet))
            api.version += 50
            await eventually(lambda: api.asked(PODS, watch=True))
            contact = source(fleet, "pod").contact_at or 0.0
            await eventually(lambda: (source(fleet, "pod").contact_at or 0.0) > contact)
            _end_watches(api)
            await eventually(lambda: len(api.asked(PODS, watch=True)) > 1)
            resumed = api.asked(PODS, watch=True)[-1]
    assert resumed.query["resourceVersion"] == str(api.version)
    assert len(api.asked(PODS, watch=False)) == 1


async def test_a_broken_stream_resumes_where_it_was() -> None:
    async with serve() as api:
        expected = _fill(api, 2)
        async with running(cluster(api.url)) as fleet:
            fleet.watch(["pod"])
            await eventually(lambda: api.asked(PODS, watch=True))
            _end_watches(api)
            api.put(pod("late"))
            await eventually(lambda: names(fleet) == expected | {"late"})
    assert len(api.asked(PODS, watch=False)) == 1


@pytest.mark.parametrize("fault", [mute, black_hole])
async def test_silence_is_a_fault_and_ends_in_a_list(fault: fake_api.Answer) -> None:
    async with serve() as api:
        expected = _fill(api, 2)
        async with running(cluster(api.url), pace=paced(silence=0.05), timeout=1.0) as fleet:
            fleet.watch(["pod"])
            await eventually(lambda: names(fleet) == expected)
            api.fault(fault, PODS, watch=True)
            _end_watches(api)
            await eventually(lambda: "watch: n" in source(fleet, "pod").error)
            assert source(fleet, "pod").state is SourceState.FAILING
            assert names(fleet) == expected
            if fault is mute:
                api.collections[PODS]["acme", "late"] = pod("late")
                await eventually(lambda: names(fleet) == expected | {"late"})
            api.heal()
            await eventually(lambda: source(fleet, "pod").state is SourceState.LIVE)


async def test_a_server_that_ends_each_watch_is_asked_slower() -> None:
    async def ends(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        return response

    async with serve() as api:
        _fill(api, 1)
        api.fault(ends, PODS, watch=True)
        async with running(cluster(api.url)) as fleet:
            fleet.watch(["pod"])
            await eventually(lambda: source(fleet, "pod").attempts >= 3)
            found = source(fleet, "pod")
    assert "ends each watch" in found.error


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (401, SourceState.FAILING),
        (403, SourceState.FORBIDDEN),
        (404, SourceState.ABSENT),
        (429, SourceState.FAILING),
        (500, SourceState.FAILING),
        (503, SourceState.FAILING),
    ],
)
async def test_each_refusal_is_noted_and_heals(code: int, state: SourceState) -> None:
    async with serve() as api:
        expected = _fill(api, 1)
        api.fault(always(lambda: status(code, "no", Retry_After="0")), PODS)
        async with running(cluster(api.url)) as fleet:
            fleet.watch(["pod"])
            await eventually(lambda: source(fleet, "pod").attempts >= 2)
            found = source(fleet, "pod")
            api.heal()
            await eventually(lambda: names(fleet) == expected)
            await eventually(lambda: source(fleet, "pod").state is SourceState.LIVE)
            healed = source(fleet, "pod")
    assert found.state is state
    assert found.status == code
    assert found.error == f"list: no (HTTP {code})"
    assert found.retry_at is not None
    assert (healed.error, healed.status, healed.attempts, healed.retry_at) == ("", None, 0, None)


async def test_rows_stay_while_the_server_fails() -> None:
    async with serve() as api:
        expected = _fill(api, 4)
        async with running(cluster(api.url)) as fleet:
            fleet.watch(["pod"])
            await eventually(lambda: api.asked(PODS, watch=True))
            api.fault(always(lambda: status(500, "etcd is gone")), PODS)
            _end_watches(api)
            await eventually(lambda: source(fleet, "pod").attempts >= 3)
            assert names(fleet) == expected


@pytest.mark.parametrize(
    ("broken", "kept"),
    [
        ({"spec": {}}, 0),
        ({"metadata": {}}, 0),
        ({"metadata": None}, 0),
        ({"metadata": {"name": None, "namespace": "acme"}}, 0),
        (None, 0),
        ({"metadata": {"name": "odd", "namespace": "acme"}, "spec": None, "status": None}, 1),
        ({"metadata": {"name": "odd", "namespace": "acme"}, "status": {"phase": 5}}, 0),
        ({"metadata": {"name": "odd", "namespace": "acme"}, "status": "Running"}, 0),
    ],
)
async def test_a_bad_object_costs_itself_and_not_its_neighbours(broken: object, kept: int) -> None:
    body = {"metadata": {"resourceVersion": "7"}, "items": [pod("good"), broken, pod("fine")]}
    async with serve() as api:
        api.fault(always(lambda: web.json_response(body)), PODS)
        fleet = fleet_of(cluster(api.url))
        await fleet.collect(["pod"])
        await fleet.close()
    assert names(fleet) - {"odd"} == {"good", "fine"}
    assert ("odd" in names(fleet)) == bool(kept)
    found = source(fleet, "pod")
    assert found.state is SourceState.LIVE
    assert found.error == ("" if kept else "1 object could not be read")


async def test_bad_events_cost_themselves_and_not_the_stream() -> None:
    lines = [
        b'{"type":"ADDED","object":{"spec":{}}}',
        b'{"type":"ADDED"}',
        b"not json at all",
        b'{"type":"ADDED","object":{"metadata":{"name":"\xff\xfe","namespace":"acme"}}}',
        b'{"type":"STRANGE","object":{"metadata":{"name":"x","namespace":"acme"}}}',
        b"[1,2]",
        json.dumps({"type": "ADDED", "object": pod("good")}).encode(),
    ]

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"\n".join(lines) + b"\n")
        await asyncio.Event().wait()
        return response

    async with serve() as api:
        api.collections[PODS] = {}
        api.fault(stream, PODS, watch=True)
        async with running(cluster(api.url), pace=paced(silence=30)) as fleet:
            fleet.watch(["pod"])
            await eventually(lambda: "good" in names(fleet))
            await eventually(lambda: "5 objects" in source(fleet, "pod").error)
            assert source(fleet, "pod").state is SourceState.LIVE


async def test_text_that_is_not_utf8_is_kept_readable() -> None:
    body = json.dumps({"metadata": {"resourceVersion": "7"}, "items": [pod("good"), pod("odd")]})
    raw = body.encode().replace(b'"node-1"', b'"node-\xff"')
    async with serve() as api:
        api.fault(always(lambda: web.Response(body=raw)), PODS)
        fleet = fleet_of(cluster(api.url))
        await fleet.collect(["pod"])
        await fleet.close()
    assert names(fleet) == {"good", "odd"}


async def test_truncated_json_is_tried_again_and_changes_nothing() -> None:
    async with serve() as api:
        expected = _fill(api, 3)
        fleet = fleet_of(cluster(api.url))
        await fleet.collect(["pod"])
        cut = json.dumps({"items": [pod("x"), pod("y")]}).encode()[:-30]
        api.fault(always(lambda: web.Response(body=cut)), PODS)
        await fleet.collect(["pod"])
        assert names(fleet) == expected
        assert source(fleet, "pod").state is SourceState.FAILING
        assert "cannot be read" in source(fleet, "pod").error
        await fleet.close()


async def test_an_object_of_5_mb_comes_through_list_and_watch() -> None:
    async with serve() as api:
        big = pod("big")
        big["metadata"]["annotations"] = {"blob": "x" * 5_000_000}
        api.put(big)
        async with running(cluster(api.url), pace=paced(silence=30), timeout=30.0) as fleet:
            fleet.watch(["pod"])
            await eventually(lambda: names(fleet) == {"big"})
            await eventually(lambda: api.asked(PODS, watch=True))
            again = pod("bigger")
            again["metadata"]["annotations"] = {"blob": "y" * 5_000_000}
            api.put(again)
            await eventually(lambda: names(fleet) == {"big", "bigger"})


async def test_throttled_once_is_waited_for_when_headless() -> None:
    async with serve() as api:
        expected = _fill(api, 1)
        answer = always(lambda: status(429, "busy", Retry_After="0"))
        api.fault(answer, PODS, times=1)
        fleet = fleet_of(cluster(api.url))
        await fleet.collect(["pod"])
        await fleet.close()
    assert names(fleet) == expected
    assert source(fleet, "pod").state is SourceState.LIVE


async def test_an_error_event_ends_the_watch_with_its_text() -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        said = {"kind": "Status", "status": "Failure", "code": 500, "message": "cache not ready"}
        await write_line(response, "ERROR", said)
        return response

    async with serve() as api:
        _fill(api, 1)
        api.fault(refuse, PODS, watch=True)
        async with running(cluster(api.url)) as fleet:
            fleet.watch(["pod"])
            await eventually(lambda: "cache not ready" in source(fleet, "pod").error)


async def test_replaced_object_of_the_same_name_is_a_new_record() -> None:
    async with serve() as api:
        api.put(pod("api"))
        async with running(cluster(api.url)) as fleet:
            fleet.watch(["pod"])
            await eventually(lambda: api.asked(PODS, watch=True))
            before: Record = records(fleet)["api"]
            api.delete("acme", "api")
            api.put(pod("api"))
            after = await eventually(
                lambda: (
                    (found := records(fleet).get("api")) is not None
                    and found.uid != before.uid
                    and found
                )
            )
    assert msgspec.structs.replace(before, uid=after.uid, version=after.version) == after
