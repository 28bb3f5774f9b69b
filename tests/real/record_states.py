"""Record states of real controllers: `python -m tests.real.record_states`, some four minutes."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.real import states_hpa, states_workloads
from tests.real.api import Api, until
from tests.real.control_plane import ControlPlane
from tests.real.recording import PATHS, Recorder
from tests.real.scenario import play

_NODE = "/api/v1/nodes/{}"
# Longer than the 50 seconds after which the node controller calls a silent node unreachable.
_SILENCE_SECONDS = 75.0
_OUTAGE_SECONDS = 30.0


async def record() -> Recorder:
    """Play every scenario on one control plane and keep the states."""
    recorder = Recorder()
    nodes = states_workloads.nodes()
    plane = ControlPlane("recording", nodes=[node for node, _ in nodes])
    async with plane, plane.api() as api, _watching(recorder, api):
        await _prepare(api)
        await _play(plane, api)
        _say("metrics are away")
        await plane.kubelets.stop_metrics()
        await asyncio.sleep(_OUTAGE_SECONDS)
        _say("kubelets are silent")
        plane.kubelets.kwok.freeze()
        await asyncio.sleep(_SILENCE_SECONDS)
    return recorder


@asynccontextmanager
async def _watching(recorder: Recorder, api: Api) -> AsyncIterator[None]:
    watching = asyncio.create_task(_watch(recorder, api))
    try:
        yield
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def _watch(recorder: Recorder, api: Api) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(recorder.follow_events(api))
        for kind in PATHS:
            tasks.create_task(recorder.follow(api, kind))


async def _prepare(api: Api) -> None:
    await api.apply_all([states_hpa.widgets(), *states_hpa.refusal()])
    await until("widgets served", lambda: _served(api))


async def _served(api: Api) -> bool:
    groups = await api.get("/apis")
    return any(group["name"] == "shifu.test" for group in groups["groups"])


async def _play(plane: ControlPlane, api: Api) -> None:
    async with asyncio.TaskGroup() as tasks:
        for node, change in states_workloads.nodes():
            tasks.create_task(_trouble(api, node.name, change))
        for scenario in (*states_hpa.scenarios(), *states_workloads.scenarios()):
            tasks.create_task(play(scenario, plane, api))


async def _trouble(api: Api, name: str, change: dict[str, object]) -> None:
    if change:
        await api.patch(_NODE.format(name), change)
    if name == "leaving":
        await api.delete(_NODE.format(name))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Record and write; say how many states there are of each kind."""
    began = time.monotonic()
    recorder = asyncio.run(record())
    recorder.write()
    for kind in PATHS:
        _say(f"{kind}: {recorder.count(kind)} states")
    _say(f"recorded in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
