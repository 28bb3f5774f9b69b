"""Every cluster has its own deadline, back-off and state; none waits for another."""

import asyncio
import email.utils
import socket
import time

import pytest
from aiohttp import web

from console import errors
from console.clock import SystemClock
from console.config import Role
from console.links.kube.kubeconfig import ExecPlugin, KubeUser
from console.record import Key
from console.resources.clusters import Cluster, word
from console.store import PROBE, SourceState
from tests.links.fake_api import PODS, FakeApi, always, black_hole, pod, serve, status
from tests.links.fleets import (
    cluster,
    eventually,
    fleet_of,
    names,
    paced,
    running,
    source,
)

ARGO = "/apis/argoproj.io/v1alpha1"


def _closed_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def _pods(api: FakeApi, *found: str) -> None:
    api.collections.setdefault(PODS, {})
    for name in found:
        api.put(pod(name))


def _cluster_record(fleet: object, alias: str = "one") -> Cluster:
    found = fleet.look.get(Key(alias, PROBE, "", alias))  # type: ignore[attr-defined]
    assert isinstance(found, Cluster)
    return found


async def test_clusters_have_rows_before_anything_is_asked() -> None:
    fleet = fleet_of(cluster("https://one.invalid", "one"), cluster("https://two.invalid", "two"))
    assert {record.key.name for record in fleet.look.rows(PROBE)} == {"one", "two"}
    assert word(_cluster_record(fleet), fleet.look).text == "CONNECTING"
    await fleet.close()


async def test_dead_clusters_do_not_delay_a_live_one() -> None:
    async with serve() as good, serve() as hole:
        _pods(good, "api")
        hole.fault(black_hole)
        dead = [cluster(hole.url, f"hole-{number}") for number in range(8)]
        refused = cluster(f"http://127.0.0.1:{_closed_port()}", "refused")
        nameless = cluster("https://no-such-host.invalid", "nameless")
        # The deadlines are longer than the test may take: waiting for one of them would show.
        pace = paced(probe_deadline=100.0, connect_deadline=100.0)
        fleet_clusters = (*dead, refused, nameless, cluster(good.url, "good"))
        async with running(*fleet_clusters, pace=pace, timeout=100.0) as fleet:
            fleet.watch(["pod", "node", "hpa", "deployment"])
            await eventually(lambda: names(fleet, alias="good") == {"api"})
            await eventually(lambda: source(fleet, PROBE, "refused").error)
            assert "connection refused" in source(fleet, PROBE, "refused").error
            await eventually(lambda: source(fleet, "pod", "refused").error)
            assert source(fleet, PROBE, "hole-0").state is SourceState.WAITING
        assert not hole.asked(PODS)


async def test_slow_lists_do_not_delay_other_clusters() -> None:
    async with serve() as good, serve() as slow:
        _pods(good, "api")
        slow.fault(black_hole, "/api")
        slow_ones = [cluster(slow.url, f"slow-{number}") for number in range(6)]
        async with running(*slow_ones, timeout=100.0) as fleet:
            fleet.watch(["pod"])
            await eventually(lambda: len(slow.asked(PODS)) >= 6)
        async with running(*slow_ones, cluster(good.url, "good"), timeout=100.0) as fleet:
            fleet.watch(["pod"])
            await eventually(lambda: names(fleet, alias="good") == {"api"})


async def test_collect_ends_within_its_deadline_and_raises_nothing() -> None:
    async with serve() as good, serve() as hole:
        _pods(good, "api")
        hole.fault(black_hole)
        pair = (cluster(good.url, "good"), cluster(hole.url, "hole"))
        fleet = fleet_of(*pair, pace=paced(probe_deadline=3.0), timeout=3.0)
        await fleet.collect(["pod"])
        await fleet.close()
    assert names(fleet, alias="good") == {"api"}
    assert source(fleet, "pod", "good").state is SourceState.LIVE
    for kind in (PROBE, "pod"):
        found = source(fleet, kind, "hole")
        assert found.state is SourceState.FAILING
        assert "no answer" in found.error


async def test_collect_reads_only_the_clusters_asked_for() -> None:
    async with serve() as api, serve() as other:
        _pods(api, "api")
        fleet = fleet_of(cluster(api.url, "one"), cluster(other.url, "two"))
        await fleet.collect(["pod"], {"one"})
        await fleet.close()
    assert api.requests
    assert not other.requests


async def test_a_cluster_that_comes_up_is_followed() -> None:
    port = _closed_port()
    async with running(cluster(f"http://127.0.0.1:{port}")) as fleet:
        fleet.watch(["pod"])
        await eventually(lambda: source(fleet, "pod").state is SourceState.FAILING)
        record = _cluster_record(fleet)
        assert word(record, fleet.look).text == "UNREACHABLE"
        async with serve(port=port) as api:
            _pods(api, "api")
            await eventually(lambda: names(fleet) == {"api"})
            await eventually(lambda: _cluster_record(fleet).version_text == "v1.35.2")
            assert word(_cluster_record(fleet), fleet.look).text == "OK"


async def test_a_login_that_is_refused_says_login_needed() -> None:
    async with serve() as api:
        api.token = "another"
        async with running(cluster(api.url, user=KubeUser(name="sre", token="wrong"))) as fleet:
            await eventually(lambda: source(fleet, PROBE).attempts >= 2)
            found = word(_cluster_record(fleet), fleet.look)
    assert found.text == "LOGIN NEEDED"
    assert source(fleet, PROBE).status == 401


async def test_clock_skew_shifts_the_clusters_time_and_its_word() -> None:
    async with serve() as api:
        date = email.utils.formatdate(time.time() + 3600, usegmt=True)
        answer = {"gitVersion": "v1.35.2"}
        headers = {"Date": date}
        api.fault(always(lambda: web.json_response(answer, headers=headers)), "/version")
        async with running(cluster(api.url)) as fleet:
            await eventually(lambda: source(fleet, PROBE).skew_seconds)
            ahead = fleet.look.now("one") - fleet.look.now()
            found = word(_cluster_record(fleet), fleet.look)
    assert ahead == pytest.approx(3600, abs=3)
    assert found.text == "CLOCK SKEW"


async def test_a_user_who_may_not_ask_the_version_still_sees_the_cluster() -> None:
    async with serve() as api:
        _pods(api, "api")
        api.fault(always(lambda: status(403, "no")), "/version")
        async with running(cluster(api.url)) as fleet:
            fleet.watch(["pod"])
            await eventually(lambda: names(fleet) == {"api"})
            assert source(fleet, PROBE).state is SourceState.LIVE


async def test_released_kinds_stay_warm_and_are_then_forgotten() -> None:
    async with serve() as api:
        _pods(api, "api")
        async with running(cluster(api.url), pace=paced(warm=0.3)) as fleet:
            release = fleet.watch(["pod"])
            again = fleet.watch(["pod"])
            await eventually(lambda: names(fleet) == {"api"})
            release()
            release()
            again()
            assert names(fleet) == {"api"}
            back = fleet.watch(["pod"])
            api.put(pod("late"))
            await eventually(lambda: "late" in names(fleet))
            assert len(api.asked(PODS, watch=False)) == 1
            back()
            await eventually(lambda: not names(fleet))
            assert fleet.look.source("one", "pod") is None
            fleet.watch(["pod"])
            await eventually(lambda: names(fleet) == {"api", "late"})


async def test_only_the_clusters_looked_at_are_read() -> None:
    async with serve() as api, serve() as other:
        _pods(api, "api")
        _pods(other, "web")
        async with running(cluster(api.url, "one"), cluster(other.url, "two")) as fleet:
            fleet.watch(["pod"], {"one"})
            await eventually(lambda: names(fleet, alias="one") == {"api"})
            await eventually(lambda: source(fleet, PROBE, "two").state is SourceState.LIVE)
            assert not other.asked(PODS)


async def test_refresh_retries_failing_clusters_now() -> None:
    async with serve() as api:
        _pods(api, "api")
        api.fault(always(lambda: status(503, "starting")))
        pace = paced(first_pause=1000.0, longest_pause=1000.0)
        async with running(cluster(api.url), pace=pace) as fleet:
            fleet.watch(["pod"])
            await eventually(lambda: source(fleet, PROBE).error)
            api.heal()
            fleet.refresh()
            await eventually(lambda: names(fleet) == {"api"})


async def test_after_a_sleep_of_the_machine_streams_are_opened_anew() -> None:
    class Slept(SystemClock):
        jump = 0.0

        def now(self) -> float:
            return super().now() + self.jump

    async with serve() as api:
        _pods(api, "api")
        clock = Slept()
        async with running(cluster(api.url), pace=paced(silence=60), clock=clock) as fleet:
            fleet.watch(["pod"])
            await eventually(lambda: api.asked(PODS, watch=True))
            clock.jump = 3600.0
            await eventually(lambda: len(api.asked(PODS, watch=True)) == 2)
    assert len(api.asked(PODS, watch=False)) == 1


async def test_a_login_plugin_that_fails_says_login_needed() -> None:
    plugin = ExecPlugin(api_version="client.authentication.k8s.io/v1", command="no-such-plugin")
    async with serve() as api:
        user = KubeUser(name="sre", plugin=plugin)
        fleet = fleet_of(cluster(api.url, user=user))
        await fleet.collect(["pod"])
        await fleet.close()
        assert not api.requests
    assert word(_cluster_record(fleet), fleet.look).text == "LOGIN NEEDED"
    assert source(fleet, "pod").status == 401
    assert "no-such-plugin" in source(fleet, PROBE).error


async def test_a_throttled_probe_is_asked_again_when_headless() -> None:
    async with serve() as api:
        _pods(api, "api")
        api.fault(always(lambda: status(429, "busy", Retry_After="0")), "/version", times=1)
        fleet = fleet_of(cluster(api.url))
        await fleet.collect(["pod"])
        await fleet.close()
    assert names(fleet) == {"api"}


async def test_refresh_lists_again() -> None:
    async with serve() as api:
        _pods(api, "api")
        async with running(cluster(api.url)) as fleet:
            fleet.watch(["pod"])
            await eventually(lambda: api.asked(PODS, watch=True))
            fleet.refresh(["pod"])
            await eventually(lambda: len(api.asked(PODS, watch=False)) == 2)


async def test_the_cluster_that_serves_argo_cd_is_the_management_cluster() -> None:
    async with serve() as plain, serve() as rollouts, serve() as argo:
        kinds = {"resources": [{"name": "applications"}, {"name": "appprojects"}]}
        argo.fault(always(lambda: web.json_response(kinds)), ARGO)
        only = {"resources": [{"name": "rollouts"}]}
        rollouts.fault(always(lambda: web.json_response(only)), ARGO)
        fleet = fleet_of(
            cluster(plain.url, "plain"),
            cluster(rollouts.url, "rollouts"),
            cluster(argo.url, "argo"),
        )
        assert fleet.management() is None
        await fleet.collect([])
        await fleet.collect([])
        await fleet.close()
        assert len(argo.asked(ARGO)) == 1
    assert fleet.management() == "argo"
    assert _cluster_record(fleet, "argo").role == "management"
    assert _cluster_record(fleet, "plain").role == "tenant"


async def test_the_configured_role_is_not_asked_for() -> None:
    async with serve() as api:
        fleet = fleet_of(cluster(api.url, role=Role.MANAGEMENT))
        assert fleet.management() == "one"
        await fleet.collect([])
        await fleet.close()
        assert not api.asked(ARGO)


async def test_fetch_returns_the_whole_object() -> None:
    async with serve() as api:
        _pods(api, "api")
        fleet = fleet_of(cluster(api.url))
        found = await fleet.fetch(Key("one", "pod", "acme", "api"))
        with pytest.raises(errors.NotFoundError):
            await fleet.fetch(Key("one", "pod", "acme", "none"))
        with pytest.raises(errors.NotFoundError, match="computed"):
            await fleet.fetch(Key("one", "cluster", "", "one"))
        await fleet.close()
    assert found["spec"]["containers"] == [{"name": "api"}]


async def test_events_about_an_object_leave_out_namesakes() -> None:
    path = "/api/v1/namespaces/acme/events"
    events = {
        "items": [
            {"reason": "Killing", "involvedObject": {"kind": "Pod", "name": "api"}},
            {"reason": "Scaled", "involvedObject": {"kind": "Deployment", "name": "api"}},
        ]
    }
    async with serve() as api:
        api.fault(always(lambda: web.json_response(events)), path)
        fleet = fleet_of(cluster(api.url))
        found = await fleet.events_about(Key("one", "pod", "acme", "api"))
        await fleet.close()
        assert api.asked(path)[0].query["fieldSelector"] == "involvedObject.name=api"
    assert [event["reason"] for event in found] == ["Killing"]


async def test_an_unknown_cluster_is_refused_with_the_nearest() -> None:
    fleet = fleet_of(cluster("https://one.invalid", "prod-eu"))
    with pytest.raises(errors.ConfigError, match="prod-eu"):
        fleet.objects("prod-us")
    await fleet.close()


async def test_closing_while_clusters_hang_does_not_wait_for_them() -> None:
    async with serve() as hole:
        hole.fault(black_hole)
        async with asyncio.timeout(20):
            async with running(cluster(hole.url), pace=paced(probe_deadline=500.0)) as fleet:
                fleet.watch(["pod"])
                await eventually(lambda: hole.requests)
