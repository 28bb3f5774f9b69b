"""Which proxy leads to a server: proxy-url first, then the environment as Go reads it."""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit


def proxy_for(server: str, own: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the proxy for a server and what named it; empty when there is none."""
    if own:
        return own, "proxy-url"
    parts = urlsplit(server)
    host = (parts.hostname or "").lower()
    if _is_loopback(host) or _is_excepted(host, parts.port, _variable(environ, "NO_PROXY")[0]):
        return "", ""
    proxy, name = _variable(environ, f"{parts.scheme.upper()}_PROXY")
    if not proxy:
        return "", ""
    return proxy if "://" in proxy else f"http://{proxy}", f"${name}"


def _variable(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    for spelling in (name, name.lower()):
        if value := environ.get(spelling, "").strip():
            return value, spelling
    return "", ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_excepted(host: str, port: int | None, exceptions: str) -> bool:
    return any(
        _covers(part.strip().lower(), host, port) for part in exceptions.split(",") if part.strip()
    )


def _covers(exception: str, host: str, port: int | None) -> bool:
    if exception == "*":
        return True
    if "/" in exception:
        try:
            return ip_address(host) in ip_network(exception, strict=False)
        except ValueError:
            return False
    name, _, wanted = exception.partition(":")
    if wanted.isdigit() and int(wanted) != port:
        return False
    suffix = name.removeprefix("*").removeprefix(".")
    only_below = name.startswith((".", "*."))
    return host.endswith(f".{suffix}") or (host == suffix and not only_below)
