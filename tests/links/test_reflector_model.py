"""Whatever happens to objects and streams, in any order, the store ends equal to the server."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# Loaded now: pytest rewrites it as it is loaded, and CPython 3.11 fails at that (SystemError, "AST
# constructor recursion depth mismatch") when it happens deep inside a running example.
from hypothesis.internal.conjecture import optimiser as _optimiser  # noqa: F401

from console.store import SourceState
from tests.links.fake_api import PODS, FakeApi, always, mute, pod, serve, status
from tests.links.fleets import cluster, eventually, paced, records, running, source

_NAMES = st.sampled_from([f"api-{number}" for number in range(6)])
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), _NAMES),
        st.tuples(st.just("delete"), _NAMES),
        st.tuples(st.just("replace"), _NAMES),
        st.sampled_from(
            [
                ("cut", ""),
                ("compact", ""),
                ("compact and cut", ""),
                ("gone", ""),
                ("fail", ""),
                ("mute", ""),
                ("garbage", ""),
                ("refresh", ""),
            ]
        ),
        st.just(("settle", "")),
    ),
    min_size=8,
    max_size=40,
)


class _World:
    """A server and the faults that a step may bring upon it."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api

    def take(self, step: str, name: str) -> None:
        api, known = self.api, self.api.collections[PODS]
        if step in ("delete", "replace") and ("acme", name) in known:
            api.delete("acme", name)
        if step in ("put", "replace"):
            api.put(pod(name, status={"phase": f"Phase{api.version}"}))
        if step in ("compact", "compact and cut"):
            api.compact()
        if step in ("cut", "compact and cut", "gone", "fail", "mute", "garbage"):
            self._cut()
        faults: dict[str, Any] = {
            "gone": always(lambda: status(410, "too old", "Expired")),
            "fail": always(lambda: status(500, "etcd")),
            "mute": mute,
            "garbage": always(lambda: status(200, "not a list")),
        }
        if step in faults:
            api.fault(faults[step], PODS, times=1)

    def _cut(self) -> None:
        for request in self.api.asked(PODS, watch=True):
            if request.transport is not None:
                request.transport.close()

    @property
    def truth(self) -> dict[str, tuple[str, str]]:
        return {
            name: (obj["metadata"]["uid"], obj["metadata"]["resourceVersion"])
            for (_, name), obj in self.api.collections[PODS].items()
        }


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(steps=_STEPS)
def test_the_store_ends_equal_to_the_server(steps: list[tuple[str, str]]) -> None:
    asyncio.run(_follow(steps))


async def _follow(steps: list[tuple[str, str]]) -> None:
    async with serve() as api:
        api.collections[PODS] = {}
        world = _World(api)
        pace = paced(silence=0.1, first_pause=0.001, longest_pause=0.01)
        async with running(cluster(api.url), pace=pace) as fleet:
            fleet.watch(["pod"])

            def equal() -> bool:
                seen = {name: (r.uid, r.version) for name, r in records(fleet).items()}
                return seen == world.truth and source(fleet, "pod").state is SourceState.LIVE

            for number, (step, name) in enumerate(steps):
                if step == "refresh":
                    fleet.refresh()
                elif step == "settle":
                    api.heal()
                    await eventually(equal, f"equal after {steps[:number]}", seconds=10)
                world.take(step, name)
                await asyncio.sleep(0)
            api.heal()
            await eventually(equal, f"equal after {steps}", seconds=10)
