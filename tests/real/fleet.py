"""A whole real fleet: `python -m tests.real.fleet` starts it and leaves it running."""

import asyncio
import contextlib
import shlex
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType

import yaml

from tests.real.api import Api, ApiError, Object, read_yaml, until
from tests.real.control_plane import ControlPlane
from tests.real.estate import Site, sites
from tests.real.kubeconfig import write_kubeconfig
from tests.real.process import ServerError, own_folder
from tests.real.servers import ARGOCD, MissingServerError
from tests.real.stages import NODE_FAULT
from tests.real.tenants import APPS, application

_SETTLE_SECONDS = 120.0
# The tenant whose live bounds Argo CD would put back.
GIT_KEEPS = "globex"
BUSY = "acme"


class Fleet:
    """A management cluster and tenant clusters, seeded; nothing is left behind on exit."""

    def __init__(self) -> None:
        self.planes: dict[str, ControlPlane] = {}
        self._sites = sites()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Fleet":
        async with AsyncExitStack() as stack:
            self.folder = stack.enter_context(own_folder("fleet"))
            for site in self._sites:
                plane = ControlPlane(site.context, nodes=site.nodes, metrics=bool(site.tenants))
                self.planes[site.context] = await stack.enter_async_context(plane)
            for site in self._sites:
                await self._seed(site)
            self.kubeconfig = self.kubeconfig_for("operator")
            self.fleet_file = self._write_fleet_file()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    @property
    def management(self) -> ControlPlane:
        return self.planes[self._sites[0].context]

    def kubeconfig_for(self, user: str) -> Path:
        """Write a kubeconfig of all clusters for one of the users."""
        logins = [plane.login(user) for plane in self.planes.values()]
        return write_kubeconfig(self.folder / f"{user}.kubeconfig", logins)

    async def settled(self) -> None:
        """Wait until every autoscaler has read a metric or said why it cannot."""
        for site in self._sites:
            async with self.planes[site.context].api() as api:
                await _judged(api, site.context)

    def press(self) -> None:
        """Load one tenant until its autoscaler is pinned at its maximum."""
        for site in self._sites:
            for tenant in site.tenants:
                if tenant.bid == BUSY:
                    plane = self.planes[site.context]
                    plane.set_load(tenant.namespace, f"app={APPS[0]}", total="1400m")

    async def _seed(self, site: Site) -> None:
        plane = self.planes[site.context]
        async with plane.api() as api:
            if site.role == "management":
                await self._seed_argocd(api)
            for tenant in site.tenants:
                await api.apply_all(tenant.manifests())
                for name, app in tenant.apps.items():
                    # Half-way between its bounds.
                    load = _between(app.minimum, app.maximum, app.cpu)
                    plane.set_load(tenant.namespace, f"app={name}", total=load)
            if site.alias == "euc1":
                broken = {"metadata": {"annotations": {NODE_FAULT: "not-ready"}}}
                await api.patch(f"/api/v1/nodes/{site.nodes[-1].name}", broken)

    async def _seed_argocd(self, api: Api) -> None:
        definitions = [item for file in ARGOCD.files("crds") for item in read_yaml(file)]
        await api.apply_all([*definitions, _namespace("argocd")])
        for definition in definitions:
            await _served(api, definition["spec"]["names"]["plural"])
        for site in self._sites:
            server = self.planes[site.context].url
            for tenant in site.tenants:
                keeps = tenant.bid != GIT_KEEPS
                await api.apply(application(tenant, site.alias, server, keeps_bounds=keeps))

    def _write_fleet_file(self) -> Path:
        clusters = [
            {
                "context": site.context,
                "alias": site.alias,
                "role": site.role,
                "region": site.region,
                "production": site.role == "tenant",
            }
            for site in self._sites
        ]
        file = self.folder / "fleet.yaml"
        file.write_text(yaml.safe_dump({"clusters": clusters}, sort_keys=False))
        return file


def _between(minimum: int, maximum: int, cpu: str) -> str:
    pods = (minimum + maximum) / 2
    return f"{int(int(cpu.removesuffix('m')) * 0.7 * pods)}m"


def _namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


async def _served(api: Api, plural: str) -> None:
    async def served() -> bool:
        try:
            await api.get(f"/apis/argoproj.io/v1alpha1/{plural}")
        except ApiError as error:
            if error.code in {404, 429}:  # 429 while its storage starts
                return False
            raise
        return True

    await until(f"{plural} served", served)


async def _judged(api: Api, context: str) -> None:
    async def judged() -> bool:
        found = await api.items("/apis/autoscaling/v2/horizontalpodautoscalers")
        return all("conditions" in item.get("status", {}) for item in found)

    await until(f"{context}: autoscalers judged", judged, seconds=_SETTLE_SECONDS)


async def run() -> None:
    """Start a fleet, say how to reach it, and stay until told to stop."""
    _stop_on_signals()
    async with Fleet() as fleet:
        fleet.press()
        print(f"export KUBECONFIG={shlex.quote(str(fleet.kubeconfig))}")
        print(f"export SHIFU_FLEET={shlex.quote(str(fleet.fleet_file))}", flush=True)
        await asyncio.Event().wait()


def _stop_on_signals() -> None:
    loop = asyncio.get_running_loop()
    serving = asyncio.current_task()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop() -> None:
        # A second signal would break the stopping off.
        for number in signals:
            loop.add_signal_handler(number, lambda: None)
        if serving is not None:
            serving.cancel()

    for number in signals:
        loop.add_signal_handler(number, stop)


def main() -> int:
    """Run until a signal; 1 when a server is missing or does not come up."""
    try:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(run())
    except (MissingServerError, ServerError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
