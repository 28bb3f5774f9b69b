"""What `doctor` looks at: files, this machine, and every cluster by itself."""

import asyncio
import locale
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

import msgspec

from console import paths
from console.clock import Clock, format_time
from console.config import Cluster, Thresholds
from console.errors import AuthExpiredError, ConsoleError, LinkError, NotFoundError
from console.inventory import Inventory
from console.links.kube.certificates import certificate_end
from console.links.kube.credentials import Credentials
from console.links.kube.http import Connection
from console.links.retry import Pace
from console.redact import redact
from console.resources import views
from console.units import format_age

_DAY = 86400.0
_LEAST_SPACE = 64 << 20


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; no problem by itself."""
    PROBLEM = "problem"
    UNREACHABLE = "unreachable"
    AUTH = "auth"


class Check(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that was looked at."""

    area: str
    name: str
    state: State
    detail: str = ""
    remedy: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What `doctor -o json` prints."""

    version: str
    """Of this program."""
    problems: int
    """How many checks are neither ok nor a note."""
    checks: list[Check]


def examine_files(inventory: Inventory) -> Iterator[Check]:
    """Say which files were read, and what is wrong in them."""
    for file in inventory.kubeconfig_files:
        yield _check("files", "kubeconfig", State.OK, f"{file} ({inventory.kubeconfig_origin})")
    if inventory.fleet_file:
        yield _check("files", "fleet.yaml", State.OK, inventory.fleet_file)
    else:
        path = paths.config_dir() / "fleet.yaml"
        yield _check("files", "fleet.yaml", State.NOTE, f"none at {path}: every context counts")
    for problem in inventory.problems:
        yield _check("files", "kubeconfig", State.PROBLEM, problem)
    if inventory.unlisted:
        named = ", ".join(inventory.unlisted)
        yield _check("files", "contexts", State.NOTE, f"not in the fleet: {named}")


def examine_actions() -> Iterator[Check]:
    """Load every action, and say which are broken."""
    from actions.manifest import Catalogue

    catalogue = Catalogue()
    yield _check("files", "actions", State.OK, ", ".join(catalogue.manifests) or "none")
    for error in catalogue.broken.values():
        yield _check("files", "actions", State.PROBLEM, error.message, error.remedy)


def examine_machine(environ: Mapping[str, str]) -> Iterator[Check]:
    """Look at the folder of the journal and at the terminal."""
    yield _journal_folder()
    yield from _terminal(environ)


def _journal_folder() -> Check:
    folder = paths.state_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"doctor")
            file.flush()
            os.fsync(file.fileno())
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return _check(
            "machine",
            "journal",
            State.PROBLEM,
            f"{folder} cannot be written: {error.strerror}",
            "without a journal no action runs; set XDG_STATE_HOME to a folder that can be written",
        )
    if free < _LEAST_SPACE:
        detail = f"{folder} has {free >> 20} MiB left"
        return _check("machine", "journal", State.PROBLEM, detail, "make room on that disk")
    return _check("machine", "journal", State.OK, f"{folder} can be written")


def _terminal(environ: Mapping[str, str]) -> Iterator[Check]:
    kind = environ.get("TERM", "")
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or kind in {"", "dumb"}:
        yield _check(
            "machine", "terminal", State.NOTE, "none here; the screens need one, commands do not"
        )
        return
    size = shutil.get_terminal_size()
    colour = environ.get("COLORTERM") or ("none" if "NO_COLOR" in environ else "by TERM")
    detail = f"{kind}, {size.columns}x{size.lines}, colours: {colour}"
    yield _check("machine", "terminal", State.OK, detail)
    encoding = locale.getpreferredencoding(do_setlocale=False)
    if encoding.lower().replace("-", "") != "utf8":
        detail = f"{encoding}: marks are shown in ASCII"
        yield _check("machine", "encoding", State.NOTE, detail, "set LANG to a UTF-8 locale")


async def examine_clusters(
    clusters: Iterable[Cluster], thresholds: Thresholds, clock: Clock, request_timeout: float
) -> list[Check]:
    """Ask every cluster at once; what one of them does delays no other."""
    async with asyncio.TaskGroup() as tasks:
        found = [
            tasks.create_task(_Examination(cluster, thresholds, clock, request_timeout).run())
            for cluster in clusters
        ]
    return [check for task in found for check in task.result()]


class _Examination:
    """One cluster's checks, in the order in which a request meets its obstacles."""

    def __init__(
        self, cluster: Cluster, thresholds: Thresholds, clock: Clock, request_timeout: float
    ) -> None:
        self._cluster = cluster
        self._thresholds = thresholds
        self._clock = clock
        self._timeout = request_timeout
        self._credentials = Credentials(cluster.entry, clock)
        self._checks: list[Check] = []

    async def run(self) -> list[Check]:
        connection = Connection(
            self._cluster,
            self._credentials,
            self._clock,
            pace=Pace(),
            request_timeout=self._timeout,
        )
        try:
            self._configuration()
            if not await self._has_user():
                return self._checks
            self._trust()
            await self._reach(connection)
            await self._kinds(connection)
        except LinkError as error:
            self._failed(error)
        finally:
            await connection.close()
        return self._checks

    def _configuration(self) -> None:
        cluster = self._cluster
        role = cluster.role or "role unknown: asked when linked"
        marks = [str(role), cluster.region or "region unknown"]
        marks += ["PRODUCTION"] if cluster.production else []
        marks += ["read-only"] if cluster.read_only else []
        self._add("context", State.OK, f"{cluster.context} ({', '.join(marks)})")
        if cluster.entry.proxy:
            named = f"{redact(cluster.entry.proxy)} by {cluster.entry.proxy_origin}"
            self._add("proxy", State.NOTE, named)

    async def _has_user(self) -> bool:
        user = self._cluster.entry.user
        named = f"{self._credentials.user} by {user.method}"
        try:
            await self._credentials.headers()
        except LinkError as error:
            self._add("login", State.AUTH, error.message, error.remedy)
            return False
        if (end := self._credentials.expires_at) is not None:
            named += f", until {format_time(end)}"
        self._add("user", State.OK, named)
        return self._has_valid_certificate()

    def _has_valid_certificate(self) -> bool:
        if (end := certificate_end(self._cluster.entry.user)) is None:
            return True
        left = end - self._clock.now()
        if left <= 0:
            detail = f"our client certificate ended {format_time(end)}"
            self._add("login", State.AUTH, detail, "get a new one")
            return False
        if left < self._thresholds.certificate_days * _DAY:
            detail = f"our client certificate ends in {format_age(left)} ({format_time(end)})"
            self._add("certificate", State.PROBLEM, detail, "get a new one")
        return True

    def _trust(self) -> None:
        self._credentials.ssl_context()
        entry = self._cluster.entry
        if entry.insecure:
            detail = "NOT VERIFIED: insecure-skip-tls-verify is set"
            self._add("tls", State.NOTE, detail, "give the cluster its certificate authority")
        elif entry.server.startswith("http://"):
            self._add("tls", State.NOTE, "none: the server's address is plain http")
        else:
            by = "the kubeconfig's authority" if entry.ca or entry.ca_file else "the system's"
            self._add("tls", State.OK, f"verified against {by}")

    async def _reach(self, connection: Connection) -> None:
        pulse = await connection.probe(self._timeout)
        self._add("reach", State.OK, f"{self._cluster.server}, Kubernetes {pulse.version_text}")
        skew = pulse.skew_seconds
        detail = f"{format_age(abs(skew))} {'ahead of' if skew > 0 else 'behind'} ours"
        if abs(skew) > self._thresholds.clock_skew_seconds:
            remedy = "set both clocks; tokens fail and ages are wrong meanwhile"
            self._add("clock", State.PROBLEM, detail, remedy)
        else:
            self._add("clock", State.OK, "as ours" if not skew else detail)

    async def _kinds(self, connection: Connection) -> None:
        """List one object of each kind: what is not allowed is named, what is allowed counted."""
        sources = {kind: view.source for kind, view in views().items() if view.source is not None}
        async with asyncio.TaskGroup() as tasks:
            asked = {
                kind: tasks.create_task(_ask(connection, source.path))
                for kind, source in sources.items()
            }
        answers = {kind: task.result() for kind, task in asked.items()}
        allowed = [kind for kind, error in answers.items() if error is None]
        if allowed:
            self._add("lists", State.OK, ", ".join(allowed))
        for kind, error in answers.items():
            if isinstance(error, NotFoundError):
                self._add(f"list {kind}", State.NOTE, "the server does not serve this kind")
            elif error is not None:
                self._add(f"list {kind}", State.PROBLEM, error.message, error.remedy)

    def _failed(self, error: LinkError) -> None:
        if isinstance(error, AuthExpiredError):
            self._add("login", State.AUTH, error.message, error.remedy)
        else:
            self._add("reach", State.UNREACHABLE, error.message, error.remedy)

    def _add(self, name: str, state: State, detail: str, remedy: str = "") -> None:
        self._checks.append(_check(self._cluster.alias, name, state, detail, remedy))


async def _ask(connection: Connection, path: str) -> ConsoleError | None:
    try:
        await connection.get(path, {"limit": "1"})
    except LinkError as error:
        return error
    return None


def _check(area: str, name: str, state: State, detail: str, remedy: str = "") -> Check:
    return Check(area=area, name=name, state=state, detail=redact(detail), remedy=redact(remedy))
