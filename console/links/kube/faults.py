"""What can go wrong on the way to an API server, turned into the console's errors."""

import errno
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import msgspec

from console import errors
from console.clock import Clock
from console.redact import printable


class StatusCause(msgspec.Struct, frozen=True):
    """One line of a Status: which field, and what is wrong with it."""

    reason: str | None = ""
    message: str | None = ""
    field: str | None = ""


class StatusDetails(msgspec.Struct, frozen=True, rename="camel"):
    """The machine's part of a Status."""

    kind: str | None = ""
    name: str | None = ""
    causes: list[StatusCause] | None = None
    retry_after_seconds: int | None = None


class Status(msgspec.Struct, frozen=True):
    """How an API server says no."""

    message: str | None = ""
    reason: str | None = ""
    code: int | None = None
    details: StatusDetails | None = None


_STATUS = msgspec.json.Decoder(Status)

_REMEDIES = {
    401: "log in again, or renew the token",
    403: "ask for a role that allows it",
    409: "look again, then retry",
    429: "the server asks for patience; the console waits",
}


def status_error(
    where: str, what: str, code: int, body: bytes, *, headers: Mapping[str, str], clock: Clock
) -> errors.LinkError:
    """Return the error that an HTTP answer means."""
    try:
        status = _STATUS.decode(body)
    except msgspec.DecodeError:
        status = Status(message=printable(body[:200].decode("utf-8", "replace")))
    return from_status(where, what, code, status, retry_after(headers, clock))


def from_status(
    where: str, what: str, code: int, status: Status, wait: float | None = None
) -> errors.LinkError:
    """Return the error that a Status means, in a body or in a watch event."""
    said = printable(status.message or status.reason or "no reason given", 600)
    text = f"{where}: {what}: {said} (HTTP {code})"
    remedy = _REMEDIES.get(code, "")
    if code == 429:
        details = status.details
        if wait is None and details is not None and details.retry_after_seconds:
            wait = float(details.retry_after_seconds)
        return errors.ThrottledError(text, remedy=remedy, retry_after=wait)
    return _class_of(code)(text, remedy=remedy, status=code)


def _class_of(code: int) -> type[errors.LinkError]:
    known: dict[int, type[errors.LinkError]] = {
        400: errors.InvalidError,
        401: errors.AuthExpiredError,
        403: errors.ForbiddenError,
        404: errors.NotFoundError,
        405: errors.NotFoundError,
        409: errors.ConflictError,
        410: errors.GoneError,
        422: errors.InvalidError,
    }
    if code in known:
        return known[code]
    if code >= 500:
        return errors.ServerFaultError
    return errors.InvalidError if code >= 400 else errors.BadReplyError


def retry_after(headers: Mapping[str, str], clock: Clock) -> float | None:
    """Read Retry-After, which is seconds or a date."""
    text = headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - clock.now())
    except ValueError:
        return None


@contextmanager
def translated(where: str, server: str, what: str) -> Iterator[None]:
    """Turn what a connection raises into a LinkError that names the cluster and the cause."""
    try:
        yield
    except (aiohttp.ClientError, OSError, ssl.SSLError) as error:
        raise connection_error(where, server, what, error) from error
    except ValueError as error:  # yarl and http headers refuse what they cannot carry
        raise errors.UnreachableError(f"{where}: {server}: {printable(str(error))}") from error


def connection_error(where: str, server: str, what: str, error: Exception) -> errors.LinkError:
    """Name the cause of a failed exchange: name, refusal, certificate, proxy, time, or the rest."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return certificate_error(where, server, error.certificate_error)
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return _tls_error(where, server, error)
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            return errors.UnreachableError(
                f"{where}: the proxy for {server} failed: {_plain(error)}",
                remedy="check proxy-url, HTTPS_PROXY and NO_PROXY",
            )
        case aiohttp.ClientConnectorError():
            return _connect_error(where, server, error)
        case TimeoutError():
            return errors.LinkTimeoutError(
                f"{where}: {what}: no answer from {server} in time",
                remedy="check network, VPN and the server's load",
            )
        case aiohttp.ClientConnectionError() | ConnectionError():
            return errors.UnreachableError(
                f"{where}: {what}: {server} closed the connection", remedy="the console tries again"
            )
    return _odd_reply(where, server, what, error)


def _odd_reply(where: str, server: str, what: str, error: Exception) -> errors.LinkError:
    match error:
        case aiohttp.ClientPayloadError():
            return errors.BadReplyError(f"{where}: {what}: the answer ended in the middle")
        case aiohttp.InvalidURL():
            return errors.UnreachableError(
                f"{where}: {server!r} is not an address", remedy="correct `server` in kubeconfig"
            )
        case aiohttp.ClientResponseError():
            return errors.BadReplyError(
                f"{where}: {what}: {server} does not speak HTTP as expected: {_plain(error)}"
            )
    return errors.UnreachableError(f"{where}: {what}: {_plain(error)}")


def _connect_error(
    where: str, server: str, error: aiohttp.ClientConnectorError
) -> errors.LinkError:
    cause = error.os_error
    if isinstance(cause, ssl.SSLError):
        return _tls_error(where, server, cause)
    if isinstance(error, aiohttp.ClientConnectorDNSError) or isinstance(cause, socket.gaierror):
        text, remedy = f"{error.host}: name not found", "check the address, DNS, VPN or bastion"
    elif cause.errno == errno.ECONNREFUSED:
        text, remedy = "connection refused", "is the API server up, and is the port right?"
    elif cause.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        text, remedy = "no route to the host", "check VPN or bastion"
    else:
        text, remedy = _plain(cause), "check network, VPN or bastion"
    return errors.UnreachableError(f"{where}: {server}: {text}", remedy=remedy)


def certificate_error(where: str, server: str, error: Exception) -> errors.LinkError:
    """Say what is wrong with a server's certificate; never suggest not to look."""
    code = getattr(error, "verify_code", None)
    said = getattr(error, "verify_message", "") or _plain(error)
    if code == _EXPIRED:
        text, remedy = "the server's certificate has expired", "renew it on the cluster"
    elif code == _NOT_YET:
        text, remedy = "the server's certificate is not valid yet", "check both clocks"
    elif code in _UNTRUSTED:
        text = f"the server's certificate is not signed by the kubeconfig's CA: {said}"
        remedy = "update certificate-authority-data, or find out who answers there"
    else:
        text, remedy = f"the server's certificate does not fit: {said}", "check tls-server-name"
    return errors.UnreachableError(f"{where}: {server}: {text}", remedy=remedy)


# X509_V_ERR_* of OpenSSL, which Python passes on as numbers.
_NOT_YET = 9
_EXPIRED = 10
_UNTRUSTED = frozenset({2, 7, 18, 19, 20, 21, 24})


def is_expired_certificate(error: BaseException | None) -> bool:
    """Tell whether a LinkError was caused by the server's expired certificate."""
    while error is not None:
        inner = getattr(error, "certificate_error", error)
        if getattr(inner, "verify_code", None) == _EXPIRED:
            return True
        error = error.__cause__
    return False


def _tls_error(where: str, server: str, error: Exception) -> errors.LinkError:
    inner: Any = getattr(error, "os_error", error)
    if isinstance(inner, ssl.SSLCertVerificationError):
        return certificate_error(where, server, inner)
    reason = str(getattr(inner, "reason", "") or inner).upper()
    if "ALERT_CERTIFICATE" in reason or "CERTIFICATE_REQUIRED" in reason:
        return errors.AuthExpiredError(
            f"{where}: {server} refuses our client certificate: {_plain(inner)}",
            remedy="renew the client certificate in the kubeconfig",
        )
    hint = "is that port TLS?" if "WRONG_VERSION" in reason else "check the TLS settings"
    return errors.UnreachableError(f"{where}: {server}: TLS failed: {_plain(inner)}", remedy=hint)


def _plain(error: Exception) -> str:
    return printable(getattr(error, "strerror", None) or str(error) or type(error).__name__, 300)
