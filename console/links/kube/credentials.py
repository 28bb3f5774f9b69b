"""Proves who we are to one cluster: headers and TLS, renewed before they expire."""

import asyncio
import base64
import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from console.clock import Clock
from console.errors import AuthExpiredError, LinkError, UnreachableError
from console.links.kube.kubeconfig import KubeEntry
from console.links.kube.plugin import PluginAnswer, run_plugin

_EARLY = 60.0
_TOKEN_FILE_AGE = 10.0
_SHORTEST_LIFE = 10.0
_CHECK_FILE = "check tokenFile in the kubeconfig, then log in again"
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 300.0


class _Failure(msgspec.Struct, frozen=True):
    error: LinkError
    retry_at: float
    pause: float


class Credentials:
    """What one cluster's requests carry.

    Ask `headers` outside the deadline of a request: a plugin has its own, and one run of it
    serves everybody who waits. TLS is one context object for good; a renewed client
    certificate is loaded into it, so call `headers` before the first connection.
    """

    def __init__(
        self, entry: KubeEntry, clock: Clock, *, environ: Mapping[str, str] = os.environ
    ) -> None:
        self.user = entry.user.name or "anonymous"
        self._entry = entry
        self._clock = clock
        self._environ = environ
        self._context: ssl.SSLContext | None = None
        self._answer: PluginAnswer | None = None
        self._obtained_at = 0.0
        self._refused_at: float | None = None
        self._renewed = False
        self._failure: _Failure | None = None
        self._flight: asyncio.Task[None] | None = None
        self._file_token = ""
        self._file_read_at: float | None = None

    @property
    def expires_at(self) -> float | None:
        """Return when a plugin's credentials end, in wall seconds; None when nobody said."""
        return self._answer.expires_at if self._answer else None

    async def headers(self) -> dict[str, str]:
        """Return the headers of a request.

        Raises:
            LinkError: the credentials could not be had; says why and what to do.

        """
        user = self._entry.user
        if user.unsupported:
            named = ", ".join(user.unsupported)
            raise AuthExpiredError(
                f"user {self.user!r} uses {named}, which the console does not support",
                remedy="log in by exec plugin, token or client certificate",
            )
        if user.token_file:
            return _bearer(self._token_from_file())
        if user.token:
            return _bearer(user.token)
        if user.username:
            pair = base64.b64encode(f"{user.username}:{user.password}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        if user.plugin is not None:
            await self._ensure_answer()
            return _bearer(self._answer.token) if self._answer and self._answer.token else {}
        return {}

    async def refused(self) -> bool:
        """Renew after a 401; True when that gave new credentials and one retry makes sense."""
        user = self._entry.user
        if user.token_file:
            before, self._file_read_at = self._file_token, None
            return self._token_from_file() != before
        if user.plugin is None or user.token or user.username or user.unsupported:
            return False
        if self._answer is not None and self._flight is None:
            # Requests refused together come here one after the other: one renewal is for all.
            now = self._clock.monotonic()
            if self._refused_at is not None and now - self._refused_at < _SHORTEST_LIFE:
                return self._renewed
            self._refused_at = now
            self._flight = asyncio.ensure_future(self._renew())
        await self._ensure_answer()
        return self._renewed

    def retry_now(self) -> None:
        """Forget the last failure, so that the next request runs the plugin at once."""
        self._failure = None

    def ssl_context(self) -> ssl.SSLContext:
        """Return the TLS settings: whom to trust, and our certificate.

        Raises:
            UnreachableError: the certificate authority cannot be read.
            AuthExpiredError: the client certificate cannot be used.

        """
        if self._context is None:
            context = _trust(self._entry)
            self._load_certificate(context)
            self._context = context
        return self._context

    def close(self) -> None:
        """Stop a renewal under way and forget what was obtained."""
        if self._flight is not None:
            self._flight.cancel()
        self._answer = self._failure = None
        self._file_token = ""

    async def _ensure_answer(self) -> None:
        """Leave a usable answer in place, or raise."""
        if self._flight is None and self._is_due():
            failure = self._failure
            if failure is not None and self._clock.now() < failure.retry_at:
                if self._is_usable():
                    return
                raise failure.error
            self._flight = asyncio.ensure_future(self._renew())
        if self._flight is not None:
            # Whoever waits may be cancelled by a deadline of their own; the others still wait.
            await asyncio.shield(self._flight)
        if not self._is_usable() and self._failure is not None:
            raise self._failure.error

    def _is_due(self) -> bool:
        if self._answer is None:
            return True
        expires = self._answer.expires_at
        if expires is None:
            return False
        return self._clock.now() >= max(expires - _EARLY, self._obtained_at + _SHORTEST_LIFE)

    def _is_usable(self) -> bool:
        if self._answer is None:
            return False
        expires = self._answer.expires_at
        # A plugin whose tokens are old when they come has a wrong clock: the server decides.
        return self._failure is None or expires is None or self._clock.now() < expires

    async def _renew(self) -> None:
        """Run the plugin and keep its answer, or the failure; never raises a LinkError."""
        plugin = self._entry.user.plugin
        assert plugin is not None  # noqa: S101  only called for users with a plugin
        before = self._answer
        self._renewed = False
        try:
            answer = await run_plugin(plugin, self._entry, self._environ)
            self._answer, self._obtained_at = answer, self._clock.now()
            if self._context is not None:
                self._load_certificate(self._context)
        except LinkError as error:
            pause = min(self._failure.pause * 2, _LONGEST_PAUSE) if self._failure else _FIRST_PAUSE
            self._failure = _Failure(error, self._clock.now() + pause, pause)
        else:
            self._failure = None
            self._renewed = before is None or answer != before
        finally:
            self._flight = None

    def _token_from_file(self) -> str:
        now = self._clock.monotonic()
        if self._file_read_at is None or now - self._file_read_at > _TOKEN_FILE_AGE:
            path = self._entry.user.token_file
            try:
                self._file_token = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "not text"
                raise AuthExpiredError(
                    f"token file {path} cannot be read: {reason}", remedy=_CHECK_FILE
                ) from error
            if not self._file_token:
                raise AuthExpiredError(f"token file {path} is empty", remedy=_CHECK_FILE)
            self._file_read_at = now
        return self._file_token

    def _load_certificate(self, context: ssl.SSLContext) -> None:
        user = self._entry.user
        certificate, key = user.certificate, user.key
        if self._answer is not None and self._answer.certificate:
            certificate, key = self._answer.certificate, self._answer.key
        elif not (certificate or user.certificate_file):
            return
        with (
            _on_disk(certificate, user.certificate_file) as first,
            _on_disk(key, user.key_file) as second,
        ):
            try:
                context.load_cert_chain(first, second, password=_no_password)
            except (OSError, ValueError) as error:
                raise AuthExpiredError(
                    f"client certificate of user {self.user!r} cannot be used: {_reason(error)}",
                    remedy="log in with another client-certificate and client-key",
                ) from error


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _trust(entry: KubeEntry) -> ssl.SSLContext:
    # Not create_default_context: since Python 3.13 it refuses authorities without a key id,
    # which clusters commonly have.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if entry.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        if entry.ca:
            context.load_verify_locations(cadata=entry.ca.decode("ascii"))
        elif entry.ca_file:
            context.load_verify_locations(cafile=entry.ca_file)
        else:
            context.load_default_certs()
    except (OSError, ValueError) as error:
        raise UnreachableError(
            f"certificate authority of {entry.context!r} cannot be read: {_reason(error)}",
            remedy="check certificate-authority in the kubeconfig",
        ) from error
    return context


@contextmanager
def _on_disk(content: bytes, path: str) -> Iterator[str]:
    """Give a path to a certificate or key; `ssl` reads files only, so data is one for a moment."""
    if not content:
        yield path
        return
    with tempfile.NamedTemporaryFile(prefix="shifu-", suffix=".pem") as file:
        file.write(content)
        file.flush()
        yield file.name


def _no_password() -> str:
    """Refuse an encrypted key: OpenSSL would ask for its password on the terminal."""
    raise ValueError("the key is encrypted")


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "not PEM"
    return getattr(error, "strerror", None) or str(error)
