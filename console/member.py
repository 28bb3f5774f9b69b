"""One cluster of the fleet: its probe, its reflectors, its pace; nothing here waits for another."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from console.clock import Clock
from console.config import Cluster, Role
from console.errors import (
    ConsoleError,
    ForbiddenError,
    LinkError,
    NotFoundError,
    ThrottledError,
)
from console.links.kube.credentials import Credentials
from console.links.kube.http import Connection, Pulse
from console.links.kube.objects import Gateway
from console.links.retry import Backoff, Pace
from console.record import Key
from console.reflector import Reflector, Slots, status_of
from console.resources import clusters
from console.store import PROBE, Source, SourceState, Store
from console.view import KubeSource

_ARGO = "/apis/argoproj.io/v1alpha1"

Sources = Mapping[str, KubeSource[Any, Any]]


class Member:
    """Supervises the links of one cluster."""

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        clock: Clock,
        *,
        slots: Slots,
        pace: Pace,
        request_timeout: float,
    ) -> None:
        self.cluster = cluster
        self.role = cluster.role
        credentials = Credentials(cluster.entry, clock)
        self.connection = Connection(
            cluster, credentials, clock, pace=pace, request_timeout=request_timeout
        )
        self.gateway = Gateway(cluster, self.connection, clock, request_timeout=request_timeout)
        self._store = store
        self._clock = clock
        self._slots = slots
        self._pace = pace
        self._request_timeout = request_timeout
        self._backoff = Backoff(pace)
        self._wanted: Sources = {}
        self._running: dict[str, tuple[Reflector, asyncio.Task[None]]] = {}
        self._gated: set[Reflector] = set()
        self._alive = asyncio.Event()
        self._resettle = asyncio.Event()
        self._probe_now = asyncio.Event()
        self._last_error: ConsoleError | None = None
        self._version_text: str | None = None
        self._note_record()

    def want(self, sources: Sources) -> None:
        """Say which kinds are to be followed from now on."""
        if sources.keys() != self._wanted.keys():
            self._wanted = sources
            self._resettle.set()

    def refresh(self, kinds: Iterable[str] | None = None) -> None:
        """Probe and list again now, whatever is being waited for."""
        self.connection.credentials.retry_now()
        self._probe_now.set()
        for kind, (reflector, _) in self._running.items():
            if kinds is None or kind in kinds:
                reflector.kick()

    async def run(self) -> None:
        """Probe and follow until cancelled."""
        self._running.clear()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._probe_forever(), name=f"probe {self.cluster.alias}")
            while True:
                self._resettle.clear()
                await self._settle(tasks)
                await self._resettle.wait()

    async def collect(self, sources: Sources) -> None:
        """Probe, then list each kind once; errors end in the Sources."""
        readers = [self._reflector(kind, source) for kind, source in sources.items()]
        if not await self._probe() and not await self._probe_again():
            for reader in readers:
                reader.fail(self._last_error or LinkError("no answer"), None)
            return
        async with asyncio.TaskGroup() as tasks:
            for reader in readers:
                tasks.create_task(reader.list_once(self._request_timeout))

    def fail(self, error: ConsoleError) -> None:
        """Note that the cluster cannot be supervised."""
        self._note_failure(error, None)

    async def close(self) -> None:
        await self.connection.close()  # first: from now on the gateway opens nothing either
        await self.gateway.close()

    async def _settle(self, tasks: asyncio.TaskGroup) -> None:
        """Start what is wanted and not followed; stop and forget what nobody looks at."""
        for kind in self._running.keys() - self._wanted.keys():
            reflector, task = self._running.pop(kind)
            task.cancel()
            await asyncio.wait({task})
            self._gated.discard(reflector)
            self._store.forget_source(self.cluster.alias, kind)
        for kind in self._wanted.keys() - self._running.keys():
            reflector = self._reflector(kind, self._wanted[kind])
            task = tasks.create_task(
                reflector.run(lambda reader=reflector: self._ready(reader)),  # type: ignore[misc]
                name=f"{kind} {self.cluster.alias}",
            )
            self._running[kind] = (reflector, task)

    def _reflector(self, kind: str, source: KubeSource[Any, Any]) -> Reflector:
        return Reflector(
            self.connection,
            kind,
            source,
            self._store,
            self._clock,
            slots=self._slots,
            pace=self._pace,
        )

    async def _ready(self, reflector: Reflector) -> None:
        """Wait until the API server answers: a dead one takes nobody's slot."""
        if self._alive.is_set():
            return
        if self._last_error is not None:
            reflector.fail(self._last_error, self._probe_source().retry_at)
        self._gated.add(reflector)
        try:
            await self._alive.wait()
        finally:
            self._gated.discard(reflector)

    async def _probe_forever(self) -> None:
        while True:
            self._probe_now.clear()
            if await self._probe():
                pause = self._pace.probe_every
            else:
                pause = max(0.0, (self._probe_source().retry_at or 0.0) - self._clock.now())
            wall, steady = self._clock.now(), self._clock.monotonic()
            await self._pause(pause)
            slept = (self._clock.now() - wall) - (self._clock.monotonic() - steady)
            if slept > self._pace.sleep_jump:
                self._wake()

    def _wake(self) -> None:
        """Open new streams: the machine slept, and the old ones may be half open."""
        for reflector, _ in self._running.values():
            reflector.kick(relist=False)

    async def _probe(self) -> bool:
        """Ask for a sign of life; True when the server answered."""
        deadline = min(self._pace.probe_deadline, self._request_timeout)
        self._store.note(self._probe_source())
        try:
            pulse = await self.connection.probe(deadline)
        except ForbiddenError:
            pulse = Pulse("", 0.0)  # it lives; only its version is a secret
        except ConsoleError as error:
            self._note_failure(error, self._clock.now() + self._backoff.after(error))
            return False
        self._backoff.reset()
        self._note_pulse(pulse)
        if self.role is None:
            await self._ask_role()
        return True

    async def _probe_again(self) -> bool:
        """Ask once more when the server said when, and that is soon; as kubectl does."""
        error = self._last_error
        wait = error.retry_after if isinstance(error, ThrottledError) else None
        if wait is None or wait > self._request_timeout:
            return False
        await self._clock.sleep(wait)
        return await self._probe()

    async def _ask_role(self) -> None:
        """Find out whether this is the management cluster: the one that serves Argo CD."""
        try:
            served = await self.connection.get(_ARGO)
        except NotFoundError:
            self.role = Role.TENANT
        except ConsoleError:
            return  # asked again with the next probe
        else:
            names = [kind.get("name") for kind in served.get("resources") or []]
            self.role = Role.MANAGEMENT if "applications" in names else Role.TENANT
        self._note_record()

    def _probe_source(self) -> Source:
        alias = self.cluster.alias
        return self._store.sources.get((alias, PROBE)) or Source(
            cluster=alias, kind=PROBE, method="probe", interval=self._pace.probe_every
        )

    def _note_pulse(self, pulse: Pulse) -> None:
        now = self._clock.now()
        before = self._probe_source()
        note = msgspec.structs.replace(
            before,
            state=SourceState.LIVE,
            contact_at=now,
            complete_at=before.complete_at or now,
            error="",
            remedy="",
            status=None,
            attempts=0,
            retry_at=None,
            skew_seconds=pulse.skew_seconds,
        )
        self._store.note(note)
        self._last_error = None
        self._alive.set()
        if pulse.version_text and pulse.version_text != self._version_text:
            self._version_text = pulse.version_text
            self._note_record()

    def _note_failure(self, error: ConsoleError, retry_at: float | None) -> None:
        self._last_error = error
        self._alive.clear()
        note = msgspec.structs.replace(
            self._probe_source(),
            state=SourceState.FAILING,
            error=error.message.removeprefix(f"{self.cluster.alias}: "),
            remedy=error.remedy,
            status=status_of(error),
            attempts=self._backoff.attempts,
            retry_at=retry_at,
        )
        self._store.note(note)
        for reflector in self._gated:
            reflector.fail(error, retry_at)

    def _note_record(self) -> None:
        cluster = self.cluster
        self._store.upsert(
            clusters.Cluster(
                key=Key(cluster.alias, PROBE, "", cluster.alias),
                version_text=self._version_text,
                role=self.role.value if self.role else None,
                region=cluster.region,
                account=cluster.account,
                production=cluster.production,
                read_only=cluster.read_only,
                insecure=cluster.insecure,
                server=cluster.server,
                user=self.connection.credentials.user,
                context=cluster.context,
            )
        )

    async def _pause(self, seconds: float) -> None:
        sleep = asyncio.ensure_future(self._clock.sleep(seconds))
        kicked = asyncio.ensure_future(self._probe_now.wait())
        try:
            await asyncio.wait({sleep, kicked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            kicked.cancel()
