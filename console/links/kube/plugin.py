"""Runs a credential plugin without ever giving it the terminal."""

import asyncio
import base64
import os
import re
import shlex
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import msgspec

from console.clock import parse_time
from console.errors import AuthExpiredError, BadReplyError
from console.links.kube.kubeconfig import ExecPlugin, KubeEntry
from console.redact import printable

DEADLINE = 15.0
"""Seconds a plugin may take before it is killed."""

_ANSWER_LIMIT = 1 << 20
_TALK_KEPT = 4096
_TALK_SHOWN = 400
_STARTING = 2.0
_SSO_LOGIN = re.compile(r"aws sso login(?: --profile [\w.@/-]+)?")


class PluginAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The credentials a plugin gave; a repr would show them."""

    token: str = ""
    certificate: bytes = b""
    key: bytes = b""
    expires_at: float | None = None

    def __repr__(self) -> str:
        return "PluginAnswer(•••)"


class _Status(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    token: str | None = None
    client_certificate_data: str | None = None
    client_key_data: str | None = None
    expiration_timestamp: str | None = None


class _Credential(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    api_version: str
    kind: str
    status: _Status | None = None


async def run_plugin(
    plugin: ExecPlugin, entry: KubeEntry, environ: Mapping[str, str], deadline: float = DEADLINE
) -> PluginAnswer:
    """Run a plugin once and read its answer.

    Raises:
        AuthExpiredError: it is missing, failed, or took longer than the deadline.
        BadReplyError: it printed something that is no credential.

    """
    name = Path(plugin.command).name
    async with _turn():
        environment = _environment(plugin, entry, environ)
        code, answer, talk = await _run(plugin, name, environment, deadline)
    if code != 0:
        said = _said(talk)
        ended = f"was killed by signal {-code}" if code < 0 else f"exited with {code}"
        raise AuthExpiredError(
            f"credential plugin {name} {ended}" + (f": {said}" if said else " and said nothing"),
            remedy=_remedy(plugin, talk, environ),
        )
    return _read(plugin, name, answer)


def _environment(
    plugin: ExecPlugin, entry: KubeEntry, environ: Mapping[str, str]
) -> dict[str, str]:
    spec: dict[str, Any] = {"interactive": False}
    if plugin.provide_cluster:
        spec["cluster"] = _cluster(entry)
    told = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
    text = msgspec.json.encode(told).decode()
    return {**environ, **dict(plugin.env), "KUBERNETES_EXEC_INFO": text}


def _cluster(entry: KubeEntry) -> dict[str, Any]:
    authority = entry.ca
    if entry.ca_file:
        try:
            authority = Path(entry.ca_file).read_bytes()
        except OSError:
            authority = b""  # connecting will say that it cannot be read
    told = {
        "server": entry.server,
        "tls-server-name": entry.tls_server_name,
        "insecure-skip-tls-verify": entry.insecure,
        "certificate-authority-data": base64.b64encode(authority).decode(),
        "proxy-url": entry.proxy if entry.proxy_origin == "proxy-url" else "",
        "disable-compression": not entry.compression,
        "config": entry.exec_config,
    }
    return {name: value for name, value in told.items() if value}


async def _run(
    plugin: ExecPlugin, name: str, environment: dict[str, str], deadline: float
) -> tuple[int, bytes, str]:
    try:
        process = await asyncio.create_subprocess_exec(
            plugin.command,
            *plugin.args,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise AuthExpiredError(
            f"credential plugin {plugin.command} is not installed",
            remedy=f"{_installation(plugin, name)}; then log in",
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AuthExpiredError(
            f"credential plugin {plugin.command} cannot be started: {reason}",
            remedy="check exec.command in the kubeconfig, then log in",
        ) from error
    try:
        async with asyncio.timeout(deadline), asyncio.TaskGroup() as tasks:
            answer = tasks.create_task(_read_answer(process))
            talk = tasks.create_task(_read_talk(process))
            code = tasks.create_task(process.wait())
        return code.result(), answer.result(), talk.result()
    except TimeoutError as error:
        raise AuthExpiredError(
            f"credential plugin {name} gave no answer within {deadline:g} s; it may want a login",
            remedy=f"log in: run `{_command_line(plugin)}` in a terminal and see what it asks for",
        ) from error
    finally:
        await _end(process)


async def _read_answer(process: asyncio.subprocess.Process) -> bytes:
    """Read all it prints, keep no more than shows that it is too much."""
    assert process.stdout is not None  # noqa: S101  asked for above
    kept = b""
    while chunk := await process.stdout.read(1 << 16):
        kept = (kept + chunk)[: _ANSWER_LIMIT + 1] if len(kept) <= _ANSWER_LIMIT else kept
    return kept


async def _read_talk(process: asyncio.subprocess.Process) -> str:
    """Read all it says, keep the end: the cause is usually the last line."""
    assert process.stderr is not None  # noqa: S101  asked for above
    kept, length = b"", 0
    while chunk := await process.stderr.read(1 << 16):
        length += len(chunk)
        kept = (kept + chunk)[-_TALK_KEPT:]
    if length > _TALK_KEPT:
        # A secret cut in two would no longer be known as one: begin with a whole line.
        kept = kept.partition(b"\n")[2] or b"(one very long line)"
    return kept.decode("utf-8", "replace")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Leave nothing running: its whole session goes, whether it ended or not."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.returncode is None:
        await process.wait()


def _read(plugin: ExecPlugin, name: str, answer: bytes) -> PluginAnswer:
    if len(answer) > _ANSWER_LIMIT:
        raise _garbage(name, f"it printed over {_ANSWER_LIMIT} bytes")
    try:
        credential = msgspec.json.decode(answer, type=_Credential)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _garbage(name, "it printed no ExecCredential") from error
    if credential.kind != "ExecCredential" or credential.api_version != plugin.api_version:
        got = printable(f"{credential.api_version} {credential.kind}", 120)
        raise _garbage(name, f"it printed {got}, not {plugin.api_version} ExecCredential")
    status = credential.status
    if status is None:
        raise _garbage(name, "its ExecCredential has no status")
    certificate, key = status.client_certificate_data or "", status.client_key_data or ""
    if bool(certificate) != bool(key):
        raise _garbage(name, "it gave a client certificate or a key without the other")
    if not (status.token or certificate):
        raise _garbage(name, "it gave neither a token nor a client certificate")
    expires_at = parse_time(status.expiration_timestamp)
    if status.expiration_timestamp and expires_at is None:
        raise _garbage(name, "its expirationTimestamp is no time")
    return PluginAnswer(
        token=_header_safe(name, status.token or ""),
        certificate=certificate.encode(),
        key=key.encode(),
        expires_at=expires_at,
    )


def _garbage(name: str, what: str) -> BadReplyError:
    return BadReplyError(
        f"credential plugin {name} gave an unreadable answer: {what}",
        remedy="check exec.command and exec.args in the kubeconfig, then log in",
    )


def _header_safe(name: str, token: str) -> str:
    text = token.strip()
    if not (text.isascii() and text.isprintable()):
        raise _garbage(name, "its token has characters that no header can carry")
    return text


def _said(talk: str) -> str:
    """Put what it said on one line; of much talk the end, where the cause usually stands."""
    line = " ".join(printable(talk, _TALK_KEPT).split())
    return line if len(line) <= _TALK_SHOWN else f"…{line[-_TALK_SHOWN:]}"


def _installation(plugin: ExecPlugin, name: str) -> str:
    hint = printable(plugin.install_hint.strip(), _TALK_SHOWN)
    return hint.rstrip(".;") or f"install {name}, or put it on PATH"


def _remedy(plugin: ExecPlugin, talk: str, environ: Mapping[str, str]) -> str:
    if told := _SSO_LOGIN.search(talk):
        return f"log in: `{printable(told[0], 100)}`"
    if "sso" in talk.lower():
        profile = {**environ, **dict(plugin.env)}.get("AWS_PROFILE", "")
        option = f" --profile {shlex.quote(profile)}" if profile else ""
        return f"log in: `aws sso login{option}`"
    return f"log in: run `{_command_line(plugin)}` in a terminal and see what it says"


def _command_line(plugin: ExecPlugin) -> str:
    return " ".join(printable(shlex.join((plugin.command, *plugin.args)), 200).split())


_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


@asynccontextmanager
async def _turn() -> AsyncIterator[None]:
    """Start plugins a few at a time: fifty interpreters at once would miss their deadlines.

    A turn lasts while a plugin starts up; one that waits for something holds nobody back.
    """
    loop = asyncio.get_running_loop()
    gate = _gates.setdefault(loop, asyncio.Semaphore(max(4, 2 * (os.cpu_count() or 1))))
    await gate.acquire()
    given_back = loop.call_later(_STARTING, gate.release)
    try:
        yield
    finally:
        if given_back.when() > loop.time():
            given_back.cancel()
            gate.release()
