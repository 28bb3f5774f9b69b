"""Scenarios: objects in a namespace of their own, and what is done to them as time passes."""

import asyncio
import contextlib

import msgspec

from tests.real.api import Api, ApiError, Object
from tests.real.control_plane import ControlPlane
from tests.real.workloads import namespace

_GROUPS = {
    "deployments": "/apis/apps/v1",
    "statefulsets": "/apis/apps/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
    "pods": "/api/v1",
}


class Press(msgspec.Struct, frozen=True, kw_only=True):
    """Put pods under a load."""

    selector: str = "app=app"
    total: str | None = None
    per_pod: str | None = None


class Change(msgspec.Struct, frozen=True):
    """Merge changes into an object, such as `deployments/app` or `deployments/app/scale`."""

    what: str
    body: Object
    manager: str = "tests-real"


class Make(msgspec.Struct, frozen=True):
    """Create an object."""

    item: Object


class Remove(msgspec.Struct, frozen=True):
    """Delete an object."""

    what: str


Deed = Press | Change | Make | Remove


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A named course of events."""

    name: str
    items: tuple[Object, ...] = ()
    course: tuple[tuple[float, Deed], ...] = ()


async def play(scenario: Scenario, plane: ControlPlane, api: Api) -> None:
    """Create a scenario's objects and do its deeds, each at its second."""
    await api.apply(namespace(scenario.name))
    for item in scenario.items:
        await _make(scenario, item, api)
    clock = asyncio.get_running_loop()
    began = clock.time()
    for second, deed in scenario.course:
        await asyncio.sleep(max(0.0, began + second - clock.time()))
        await _do(scenario, deed, plane, api)


async def _do(scenario: Scenario, deed: Deed, plane: ControlPlane, api: Api) -> None:
    match deed:
        case Press():
            plane.set_load(scenario.name, deed.selector, total=deed.total, per_pod=deed.per_pod)
        case Change():
            path = _path(scenario, deed.what)
            # A scenario may forbid the very change it asks for.
            with contextlib.suppress(ApiError):
                await api.patch(path, deed.body, manager=deed.manager)
        case Make():
            await _make(scenario, deed.item, api)
        case Remove():
            await api.delete(_path(scenario, deed.what))


async def _make(scenario: Scenario, item: Object, api: Api) -> None:
    metadata = item["metadata"]
    if metadata.get("namespace") == "":
        metadata = metadata | {"namespace": scenario.name}
    with contextlib.suppress(ApiError):
        await api.create(item | {"metadata": metadata})


def _path(scenario: Scenario, what: str) -> str:
    group = _GROUPS[what.split("/", 1)[0]]
    return f"{group}/namespaces/{scenario.name}/{what}"
