"""A real control plane on loopback: etcd, kube-apiserver, controller-manager, scheduler."""

import asyncio
import base64
import json
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType

import aiohttp

from tests.real import access, certificates, commands
from tests.real.api import Api, connect
from tests.real.kubeconfig import Login, write_kubeconfig
from tests.real.kubelets import Kubelets, Node
from tests.real.load import Load
from tests.real.process import Server, free_ports, own_folder

_START_SECONDS = 60.0


class ControlPlane:
    """Starts the servers on entry, stops them on exit and leaves nothing behind.

    Its methods may be called from any event loop, so that a session's plane serves every test.
    """

    def __init__(self, name: str, *, nodes: Sequence[Node] = (), metrics: bool = True) -> None:
        self.name = name
        self.tokens: dict[str, str] = {}
        self._nodes = nodes
        self._metrics = metrics
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "ControlPlane":
        async with AsyncExitStack() as stack:
            self.folder = stack.enter_context(own_folder(self.name))
            self._prepare()
            stack.push_async_callback(self._stop_servers)
            await self._start_servers()
            self._load = stack.enter_context(Load(self.url, self.ca_file, self.tokens["admin"]))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    def _prepare(self) -> None:
        etcd, etcd_peer, port, manager, scheduler = free_ports(5)
        authority = certificates.Authority(self.folder, "ca")
        front_proxy = certificates.Authority(self.folder, "front-proxy-ca")
        self.ca_file = authority.certificate
        self.url = f"https://127.0.0.1:{port}"
        self.tokens = access.new_tokens()
        self._token_file = self.folder / "tokens.csv"
        self._write_tokens(self.tokens)
        self.kubeconfig = self.kubeconfig_for("admin")
        plan = commands.Plan(
            folder=self.folder,
            ca_file=self.ca_file,
            etcd_port=etcd,
            etcd_peer_port=etcd_peer,
            port=port,
            controller_manager_port=manager,
            scheduler_port=scheduler,
            serving=authority.server("serving"),
            front_proxy_ca=front_proxy.certificate,
            front_proxy=front_proxy.client("front-proxy-client"),
            signing_key=certificates.signing_key(self.folder),
            token_file=self._token_file,
        )
        self._etcd_url = plan.etcd_url
        self._etcd = self._server("etcd", commands.etcd(plan))
        self._apiserver = self._server("kube-apiserver", commands.apiserver(plan))
        self._controllers = self._server(
            "kube-controller-manager",
            commands.controller_manager(plan, self._kubeconfig_of("kube-controller-manager")),
        )
        self._scheduler = self._server(
            "kube-scheduler", commands.scheduler(plan, self._kubeconfig_of("kube-scheduler"))
        )
        self.kubelets = Kubelets(
            self.folder,
            kwok_kubeconfig=self.kubeconfig_for("kwok"),
            metrics_kubeconfig=self.kubeconfig_for("metrics-server"),
            serving=plan.serving,
        )

    def _server(self, name: str, command: Sequence[str | Path]) -> Server:
        return Server(command, folder=self.folder, name=name)

    def _kubeconfig_of(self, component: str) -> Path:
        return self.kubeconfig_for(f"system:{component}")

    async def _start_servers(self) -> None:
        self._etcd.start()
        await self._etcd.ready(self._etcd_ready, seconds=_START_SECONDS)
        await self.start_apiserver()
        async with self.api() as api:
            await api.apply_all(access.roles())
            self._controllers.start()
            self._scheduler.start()
            if self._nodes:
                await self.kubelets.start(api, self._nodes, metrics=self._metrics)

    async def _stop_servers(self) -> None:
        await asyncio.gather(self.kubelets.stop(), self._controllers.stop(), self._scheduler.stop())
        await self._apiserver.stop()
        await self._etcd.stop()

    @property
    def pids(self) -> dict[str, int]:
        """Return the process ids of the servers that run, by name."""
        servers = (
            self._etcd,
            self._apiserver,
            self._controllers,
            self._scheduler,
            *self.kubelets.servers,
        )
        return {server.name: server.pid for server in servers if server.running}

    @asynccontextmanager
    async def api(self, user: str = "admin") -> AsyncIterator[Api]:
        """Open a session as one of the users."""
        async with connect(self.url, self.ca_file, self.tokens[user]) as api:
            yield api

    def login(self, user: str, context: str | None = None) -> Login:
        """Return what a kubeconfig needs to know about this plane."""
        return Login(
            context=context or self.name,
            url=self.url,
            ca_file=self.ca_file,
            token=self.tokens[user],
        )

    def kubeconfig_for(self, user: str) -> Path:
        """Write a kubeconfig for one of the users."""
        file = self.folder / f"{user.replace(':', '-')}.kubeconfig"
        return write_kubeconfig(file, [self.login(user)])

    async def start_apiserver(self) -> None:
        """Start kube-apiserver and wait until it is ready."""
        self._apiserver.start()
        async with self.api() as api:
            await self._apiserver.ready(api.ready, seconds=_START_SECONDS)

    async def stop_apiserver(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop kube-apiserver; the other servers wait for it to come back."""
        await self._apiserver.stop(how)

    async def restart_apiserver(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop kube-apiserver and start it again on the same port with the same state."""
        await self.stop_apiserver(how)
        await self.start_apiserver()
        # Their clients back off for up to half a minute, which no test should wait for.
        await asyncio.gather(self._controllers.restart(), self._scheduler.restart())
        async with self.api() as api:
            await self.kubelets.reconnect(api)

    async def revoke_token(self, user: str) -> None:
        """Make a user's token worthless; open streams break, as the server must restart."""
        kept = {name: token for name, token in self.tokens.items() if name != user}
        self._write_tokens(kept)
        await self.restart_apiserver()

    async def restore_token(self, user: str) -> None:
        """Honour a revoked token again."""
        self._write_tokens(self.tokens)
        await self.restart_apiserver()

    async def compact(self) -> None:
        """Forget all history, so that older resource versions are gone.

        The API server restarts: it would go on serving them from its watch cache.
        """
        key = base64.b64encode(b"/").decode()
        found = await self._etcd_post("kv/range", {"key": key, "count_only": True})
        revision = found["header"]["revision"]
        await self._etcd_post("kv/compaction", {"revision": revision, "physical": True})
        await self.restart_apiserver()

    def set_load(
        self, namespace: str, selector: str, *, per_pod: str | None = None, total: str | None = None
    ) -> None:
        """Give the pods of a selector a CPU load: each the same, or their share of a total."""
        self._load.set(namespace, selector, per_pod=per_pod, total=total)

    async def _etcd_ready(self) -> bool:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{self._etcd_url}/health", timeout=_SHORT) as answer,
            ):
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def _etcd_post(self, path: str, body: dict[str, object]) -> dict[str, dict[str, str]]:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self._etcd_url}/v3/{path}", json=body, timeout=_SHORT) as answer,
        ):
            answer.raise_for_status()
            decoded: dict[str, dict[str, str]] = json.loads(await answer.text())
            return decoded

    def _write_tokens(self, tokens: dict[str, str]) -> None:
        self._token_file.touch(mode=0o600)
        self._token_file.write_text(access.token_file(tokens))


_SHORT = aiohttp.ClientTimeout(total=10)
