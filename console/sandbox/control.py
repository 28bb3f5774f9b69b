"""The control endpoint: switch faults, forget history, look at the fleet's state."""

import msgspec
from aiohttp import web

from console.sandbox import faults
from console.sandbox.fleet import Fleet


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """A fault as it is asked for."""

    name: str
    where: str | None = None


class BadFaultError(Exception):
    """No such fault, or no such cluster."""


def check(fleet: Fleet, asked: Fault) -> Fault:
    """Refuse a fault or a place that does not exist, naming those that do."""
    if asked.name not in faults.NAMES:
        raise BadFaultError(f"no fault {asked.name!r}; there are: {', '.join(faults.NAMES)}")
    if asked.where and asked.where not in fleet.clusters:
        raise BadFaultError(f"no cluster {asked.where!r}; there are: {', '.join(fleet.clusters)}")
    return asked


class Control:
    """Plain HTTP on loopback, for tests and demonstrations."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def open(self) -> None:
        """Start to listen on a free port of 127.0.0.1."""
        app = web.Application()
        app.router.add_post("/fault", self._add)
        app.router.add_delete("/fault", self._clear)
        app.router.add_get("/state", self._state)
        app.router.add_post("/compact", self._compact)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    async def _add(self, request: web.Request) -> web.Response:
        try:
            asked = check(self._fleet, msgspec.json.decode(await request.read(), type=Fault))
        except (msgspec.DecodeError, BadFaultError) as error:
            return web.json_response({"error": str(error)}, status=422)
        await self._fleet.add_fault(asked.name, asked.where)
        return await self._state(request)

    async def _clear(self, request: web.Request) -> web.Response:
        await self._fleet.clear_faults()
        return await self._state(request)

    async def _compact(self, request: web.Request) -> web.Response:
        for cluster in self._fleet.clusters.values():
            cluster.store.compact()
        return await self._state(request)

    async def _state(self, request: web.Request) -> web.Response:
        del request
        found = {
            name: {
                "url": one.url,
                "faults": sorted(one.faults.active),
                "revision": one.store.revision,
                "objects": {
                    kind.id: one.store.count(kind, "")
                    for kind in one.store.kinds
                    if one.store.count(kind, "")
                },
            }
            for name, one in self._fleet.clusters.items()
        }
        return web.json_response({"folder": str(self._fleet.folder), "clusters": found})
