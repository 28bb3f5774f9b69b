"""One emulated cluster: its objects, its controllers, its API server on a port of its own."""

import asyncio
import ssl
import sys
import traceback

from aiohttp import web

from console.sandbox import disruption
from console.sandbox.api import ApiServer
from console.sandbox.auth import Users
from console.sandbox.clock import CLOCK
from console.sandbox.controllers import deployments, kubelet, scheduler, stateful
from console.sandbox.controllers.housekeeping import Housekeeper
from console.sandbox.controllers.hpa import Autoscaler
from console.sandbox.controllers.load import Loads
from console.sandbox.controllers.world import World
from console.sandbox.faults import Faults
from console.sandbox.kinds import ARGO_KINDS, CORE_KINDS, POD
from console.sandbox.objects import dig
from console.sandbox.registry import Registry
from console.sandbox.status import MALFORMED, ApiError
from console.sandbox.store import Store

TICK_SECONDS = 0.5
AUTOSCALE_SECONDS = 3.0
SLOW_ROUND_SECONDS = 60.0


class Cluster:
    """A cluster by the name of its kubeconfig context."""

    def __init__(
        self, context: str, region: str, users: Users, *, version: str, management: bool = False
    ) -> None:
        self.context, self.region, self.version = context, region, version
        self.management = management
        self.faults = Faults()
        self.store = Store(CORE_KINDS + (ARGO_KINDS if management else ()))
        self.registry = Registry(self.store)
        self.loads = Loads()
        self.world = World(self.registry)
        self.api = ApiServer(self.registry, users, self.faults, version=version)
        self._autoscaler = Autoscaler(self.world, self.loads)
        self._housekeeper = Housekeeper(self.world)
        self._settled = -1
        self._due = {"autoscale": 0.0, "slow": 0.0}
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._ssl: ssl.SSLContext | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def tick(self) -> None:
        """Let the controllers take one step."""
        moment = CLOCK.seconds()
        if self._moved():
            self.world.look()
            deployments.reconcile(self.world)
            stateful.reconcile(self.world)
            scheduler.reconcile(self.world)
            kubelet.reconcile(self.world)
            disruption.reconcile(self.registry)
            self._housekeeper.reconcile()
        if not self.world.quiet:
            kubelet.heartbeat(self.world)
        if moment >= self._due["autoscale"]:
            self._due["autoscale"] = moment + AUTOSCALE_SECONDS
            self._autoscaler.reconcile()
        if moment >= self._due["slow"]:
            self._due["slow"] = moment + SLOW_ROUND_SECONDS
            self._housekeeper.forget_events()

    def _moved(self) -> bool:
        latest = max(self.store.touched.values(), default=0)
        before, self._settled = self._settled, latest
        return before != latest or any(map(_in_transit, self.store.objects(POD)))

    async def live(self) -> None:
        """Tick until cancelled."""
        while True:
            try:
                self.tick()
            except (ApiError, *MALFORMED):
                print(self.context, file=sys.stderr)  # noqa: T201 - no log here
                traceback.print_exc()
            await asyncio.sleep(TICK_SECONDS)

    async def open(self, tls: ssl.SSLContext) -> None:
        """Start to listen on a free port of 127.0.0.1."""
        self._ssl = tls
        await self._listen()
        self.api.address = f"127.0.0.1:{self.port}"

    async def _listen(self) -> None:
        self._runner = web.AppRunner(
            self.api.app(), access_log=None, shutdown_timeout=0.1, keepalive_timeout=300
        )
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._ssl)
        await self._site.start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening and cut every connection."""
        if self._runner:
            self.faults.cut()
            await self._runner.cleanup()
            self._runner = None

    async def add_fault(self, name: str) -> None:
        """Switch a fault on here."""
        self.faults.add(name)
        if name == "down":
            await self.close()

    async def clear_faults(self, name: str = "") -> None:
        """Switch one fault, or all, off here."""
        self.faults.clear(name)
        if self._runner is None and "down" not in self.faults.active:
            await self._listen()


def _in_transit(pod: dict[str, object]) -> bool:
    if dig(pod, "metadata", "deletionTimestamp"):
        return True
    if not dig(pod, "spec", "nodeName"):
        return False
    containers = dig(pod, "status", "containerStatuses") or [{}]
    waiting = dig(containers[0], "state", "waiting", "reason")
    return not dig(containers[0], "state", "running") and waiting != "ImagePullBackOff"
