"""What goes wrong between the console and an API server is named, each cause apart."""

import asyncio
import email.utils
import gzip
import json
import re
import socket
import time
from pathlib import Path

import pytest
from aiohttp import web

from console import errors
from console.links.kube.http import Connection, _Lines
from console.links.kube.kubeconfig import KubeUser
from tests.links import fake_api
from tests.links.certificates import Authority
from tests.links.fake_api import FakeApi, always, pod, serve, status
from tests.links.fleets import connection


async def _probe_error(link: Connection) -> errors.LinkError:
    try:
        with pytest.raises(errors.LinkError) as caught:
            await link.probe(2.0)
    finally:
        await link.close()
    return caught.value


def _closed_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


async def test_probe_tells_version_and_no_skew() -> None:
    async with serve() as api:
        link = connection(api.url)
        pulse = await link.probe(2.0)
        await link.close()
    assert pulse.version_text == "v1.35.2"
    assert pulse.skew_seconds == 0.0


@pytest.mark.parametrize("skew", [3600.0, -3600.0])
async def test_clock_skew_of_an_hour_is_measured(skew: float) -> None:
    async with serve() as api:
        date = email.utils.formatdate(time.time() + skew, usegmt=True)
        answer = {"gitVersion": "v1.35.2"}
        api.fault(always(lambda: web.json_response(answer, headers={"Date": date})))
        link = connection(api.url)
        pulse = await link.probe(2.0)
        await link.close()
    assert pulse.skew_seconds == pytest.approx(skew, abs=3)


async def test_refused_connection_is_unreachable() -> None:
    error = await _probe_error(connection(f"http://127.0.0.1:{_closed_port()}"))
    assert isinstance(error, errors.UnreachableError)
    assert "connection refused" in error.message
    assert error.remedy


async def test_unknown_name_is_unreachable() -> None:
    error = await _probe_error(connection("https://no-such-host.invalid:6443"))
    assert isinstance(error, errors.UnreachableError)
    assert "no-such-host.invalid: name not found" in error.message


async def test_impossible_name_is_unreachable() -> None:
    error = await _probe_error(connection(f"https://{'a' * 70}.example:6443"))
    assert isinstance(error, errors.UnreachableError)


async def test_server_of_another_authority_is_not_trusted(tmp_path: Path) -> None:
    ours, theirs = Authority("ours"), Authority("theirs")
    async with serve(theirs.server_context(tmp_path)) as api:
        error = await _probe_error(connection(api.url, ca=ours.pem))
        assert not api.requests
    assert isinstance(error, errors.UnreachableError)
    assert "not signed by the kubeconfig's CA" in error.message
    assert "insecure" not in str(error)


async def test_expired_certificate_says_when_it_ended(tmp_path: Path) -> None:
    authority = Authority("ours")
    async with serve(authority.server_context(tmp_path, expired=True)) as api:
        error = await _probe_error(connection(api.url, ca=authority.pem))
        assert not api.requests
    assert isinstance(error, errors.UnreachableError)
    assert re.search(r"certificate has expired at \d{4}-\d\d-\d\dT", error.message)
    assert "insecure" not in str(error)


async def test_certificate_for_another_host_is_refused(tmp_path: Path) -> None:
    authority = Authority("ours")
    async with serve(authority.server_context(tmp_path, host="api.example")) as api:
        error = await _probe_error(connection(api.url, ca=authority.pem))
    assert "does not fit" in error.message


async def test_tls_server_name_decides_the_host(tmp_path: Path) -> None:
    authority = Authority("ours")
    async with serve(authority.server_context(tmp_path, host="api.example")) as api:
        link = connection(api.url, ca=authority.pem, tls_server_name="api.example")
        pulse = await link.probe(2.0)
        await link.close()
    assert pulse.version_text


async def test_insecure_entry_looks_at_no_certificate(tmp_path: Path) -> None:
    authority = Authority("ours")
    async with serve(authority.server_context(tmp_path, expired=True)) as api:
        link = connection(api.url, insecure=True)
        pulse = await link.probe(2.0)
        await link.close()
    assert pulse.version_text


async def test_tls_to_a_plain_port_says_so() -> None:
    async with serve() as api:
        error = await _probe_error(connection(api.url.replace("http:", "https:")))
    assert isinstance(error, errors.UnreachableError)
    assert "TLS failed" in error.message or "closed the connection" in error.message


async def test_silent_server_times_out() -> None:
    async with serve() as api:
        api.fault(fake_api.black_hole)
        link = connection(api.url)
        with pytest.raises(errors.LinkTimeoutError, match="no answer"):
            await link.probe(0.05)
        await link.close()


async def test_a_page_that_is_no_api_server_is_named() -> None:
    async with serve() as api:
        api.fault(always(lambda: web.Response(text="<html>router login</html>")))
        error = await _probe_error(connection(api.url))
    assert isinstance(error, errors.BadReplyError)
    assert "does not answer as an API server" in error.message


async def test_redirects_are_not_followed() -> None:
    async with serve() as api:
        api.fault(always(lambda: web.Response(status=302, headers={"Location": "/login"})))
        error = await _probe_error(connection(api.url))
        assert len(api.requests) == 1
    assert isinstance(error, errors.BadReplyError)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, errors.InvalidError),
        (401, errors.AuthExpiredError),
        (403, errors.ForbiddenError),
        (404, errors.NotFoundError),
        (409, errors.ConflictError),
        (410, errors.GoneError),
        (418, errors.InvalidError),
        (422, errors.InvalidError),
        (429, errors.ThrottledError),
        (500, errors.ServerFaultError),
        (503, errors.ServerFaultError),
    ],
)
async def test_each_status_has_its_error(code: int, kind: type[errors.LinkError]) -> None:
    async with serve() as api:
        api.fault(always(lambda: status(code, "the server's own words")))
        link = connection(api.url)
        with pytest.raises(kind, match="the server's own words") as caught:
            await link.get("/api/v1/pods/x")
        await link.close()
    assert caught.value.status == code
    assert f"HTTP {code}" in caught.value.message
    assert caught.value.message.startswith("one: ")


@pytest.mark.parametrize("answer", [b"", b"not json", b"\xff\xfe", b'{"message": null}', b"[]"])
async def test_a_refusal_without_a_status_is_still_a_refusal(answer: bytes) -> None:
    async with serve() as api:
        api.fault(always(lambda: web.Response(status=503, body=answer)))
        link = connection(api.url)
        with pytest.raises(errors.ServerFaultError, match="HTTP 503"):
            await link.get("/api/v1/pods/x")
        await link.close()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("soon", None), ("", None), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0)],
)
async def test_retry_after_is_read(header: str, seconds: float | None) -> None:
    async with serve() as api:
        api.fault(always(lambda: status(429, "slow down", Retry_After=header)))
        link = connection(api.url)
        with pytest.raises(errors.ThrottledError) as caught:
            await link.get("/api/v1/pods/x")
        await link.close()
    assert caught.value.retry_after == seconds


async def test_secrets_in_a_refusal_are_not_repeated() -> None:
    async with serve() as api:
        api.fault(always(lambda: status(400, "bad header: Bearer t0ken-of-the-test")))
        link = connection(api.url)
        with pytest.raises(errors.InvalidError) as caught:
            await link.get("/api/v1/pods/x")
        await link.close()
    assert "t0ken" not in str(caught.value)


async def test_refused_token_file_is_read_again_once(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    async with serve() as api:
        api.token = "old"
        link = connection(api.url, user=KubeUser(name="sre", token_file=str(file)))
        await link.probe(2.0)
        api.token = "new"
        file.write_text("new")
        await link.probe(2.0)
        assert len(api.requests) == 3
        api.token = "newer"
        with pytest.raises(errors.AuthExpiredError):
            await link.probe(2.0)
        assert len(api.requests) == 4
        await link.close()


async def test_truncated_body_is_a_bad_reply() -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"items": [')
        assert request.transport is not None
        request.transport.close()
        return response

    async with serve() as api:
        api.fault(cut)
        link = connection(api.url)
        with pytest.raises(errors.BadReplyError, match="ended in the middle"):
            await link.get("/api/v1/pods")
        await link.close()


async def test_broken_compression_is_a_bad_reply() -> None:
    async with serve() as api:
        body = gzip.compress(b'{"items": []}' * 1000)[:-20]
        headers = {"Content-Encoding": "gzip"}
        api.fault(always(lambda: web.Response(body=body, headers=headers)))
        link = connection(api.url)
        with pytest.raises(errors.BadReplyError, match="compressed"):
            await link.get("/api/v1/pods")
        await link.close()


async def test_lists_are_asked_in_pages_without_a_version() -> None:
    async with serve() as api:
        _fill(api, 3)
        link = connection(api.url)
        body = await link.page(fake_api.PODS, "")
        await link.close()
        request = api.requests[0]
    assert len(json.loads(body)["items"]) == 3
    assert request.query["limit"] == "500"
    assert "resourceVersion" not in request.query
    assert request.headers["Accept-Encoding"] == "gzip"
    assert request.headers["User-Agent"].startswith("shifu-console/")


async def test_watch_asks_for_bookmarks_and_an_end() -> None:
    async with serve() as api:
        _fill(api, 1)
        link = connection(api.url)
        async for lines in link.watch(fake_api.PODS, "100"):
            if lines:
                break
        await link.close()
        query = api.requests[0].query
    assert query["allowWatchBookmarks"] == "true"
    assert 240 <= int(query["timeoutSeconds"]) <= 300
    assert query["resourceVersion"] == "100"


async def test_a_proxy_is_asked_to_connect() -> None:
    asked: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(b"HTTP/1.1 403 no\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    error = await _probe_error(
        connection("https://api.example:6443", proxy=f"http://127.0.0.1:{port}")
    )
    server.close()
    await server.wait_closed()
    assert asked[0].startswith(b"CONNECT api.example:6443 ")
    assert isinstance(error, errors.UnreachableError)
    assert "proxy" in error.message


def test_lines_of_any_length_are_cut_wherever_the_chunks_end() -> None:
    lines = [b"a" * size for size in (1, 70_000, 5_000_000, 3)]
    stream = b"\n".join(lines) + b"\n\n"
    for size in (1_000, 65_536, len(stream)):
        cutter = _Lines()
        found: list[bytes] = []
        for start in range(0, len(stream), size):
            found += cutter.feed(stream[start : start + size])
        assert found == lines
        assert cutter.pending == 0


def _fill(api: FakeApi, count: int) -> None:
    for number in range(count):
        api.put(pod(f"api-{number}"))
