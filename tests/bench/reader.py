"""One reader, measured in a process of its own: `python -m tests.bench.reader NAME READY`.

Prints a line of JSON: what it took. The readers named `official` are the peer.
"""

import asyncio
import gc
import mmap
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from tests.bench.messages import Ready, Took

_MEGABYTE = 1 << 20
_SETTLE = 3.0
_WINDOW = 10.0


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _MEGABYTE


def _anonymous() -> float:
    """Return resident memory without mapped files."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return _resident()


def _bodies(ready: Ready) -> list[bytes]:
    """Map the pages of a list, so that neither the network nor their own memory is counted."""
    found: list[Any] = []
    for page in ready.pages:
        with Path(page).open("rb") as file:
            found.append(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    return found


def our_share(ready: Ready) -> Took:
    """Read pages into records in the store; the memory is what was gained."""
    from console.clock import SystemClock
    from console.links.kube.decode import Codec
    from console.resources import views
    from console.store import Store

    source = views()["pod"].source
    assert source is not None
    codec, store = Codec("bench", source), Store(SystemClock())
    bodies = _bodies(ready)
    codec.page(bodies[-1])
    gc.collect()
    before, started = _anonymous(), time.process_time()
    for body in bodies:
        for record in codec.page(body).records:
            store.upsert(record)
    seconds = time.process_time() - started
    gc.collect()
    return Took(
        seconds=seconds,
        megabytes=_anonymous() - before,
        count=store.snapshot.count("pod", "bench"),
    )


def official_share(ready: Ready) -> Took:
    """Read the same pages into the official client's models."""
    from kubernetes import client

    api = client.ApiClient()
    bodies = _bodies(ready)
    _deserialize(api, bytes(bodies[-1]).decode())
    gc.collect()
    before, started = _anonymous(), time.process_time()
    kept = [_deserialize(api, bytes(body).decode()) for body in bodies]
    seconds = time.process_time() - started
    gc.collect()
    return Took(
        seconds=seconds,
        megabytes=_anonymous() - before,
        count=sum(len(page.items) for page in kept),
    )


def _deserialize(api: Any, text: str) -> Any:
    return api.deserialize(text, "V1PodList", "application/json")


def our_fleet(ready: Ready) -> Took:
    """Every cluster listed completely through the fleet; memory of the whole process."""
    return asyncio.run(_our_fleet(ready))


async def _our_fleet(ready: Ready) -> Took:
    fleet = _fleet(ready)
    started = time.perf_counter()
    task = asyncio.ensure_future(fleet.run())
    fleet.watch(["pod"])
    await _complete(fleet, ["pod"], len(ready.urls))
    seconds = time.perf_counter() - started
    count = sum(1 for _ in fleet.look.rows("pod"))
    took = Took(seconds=seconds, megabytes=_resident(), count=count)
    await _stop(fleet, task)
    return took


def official_fleet(ready: Ready) -> Took:
    """List with the official client, a thread for each cluster, in pages of 500."""
    from kubernetes import client

    def read(url: str) -> list[Any]:
        settings = client.Configuration(host=url)
        settings.ssl_ca_cert = ready.ca_file
        link: Any = client.ApiClient(settings)
        link.set_default_header("authorization", f"Bearer {ready.token}")
        api = client.CoreV1Api(link)
        pods: list[Any] = []
        more = ""
        while True:
            page = api.list_pod_for_all_namespaces(limit=500, _continue=more)
            pods += page.items
            more = (page.metadata and page.metadata._continue) or ""
            if not more:
                return pods

    client.V1Pod  # noqa: B018  its models are loaded lazily; not part of the reading
    started = time.perf_counter()
    with ThreadPoolExecutor(max_workers=len(ready.urls)) as pool:
        kept = list(pool.map(read, ready.urls))
    seconds = time.perf_counter() - started
    return Took(seconds=seconds, megabytes=_resident(), count=sum(map(len, kept)))


def our_events(ready: Ready) -> Took:
    """Take watch events into the store as fast as they come; processor seconds."""
    return asyncio.run(_our_events(ready))


async def _our_events(ready: Ready) -> Took:
    fleet = _fleet(ready)
    blast = int(os.environ["BENCH_BLAST"])
    task = asyncio.ensure_future(fleet.run())
    fleet.watch(["pod"])
    await _complete(fleet, ["pod"], len(ready.urls))
    listed = first = fleet.look.version(["pod"])
    started = time.process_time()
    while fleet.look.version(["pod"]) < listed + blast:
        if first == fleet.look.version(["pod"]):
            started = time.process_time()
        await asyncio.sleep(0.01)
    seconds = time.process_time() - started
    await _stop(fleet, task)
    return Took(seconds=seconds, count=blast)


def official_events(ready: Ready) -> Took:
    """Watch with the official client, each event made into its model; processor seconds."""
    from kubernetes import client, watch

    settings = client.Configuration(host=ready.urls[0])
    settings.ssl_ca_cert = ready.ca_file
    api = client.CoreV1Api(client.ApiClient(settings))
    wanted = int(os.environ["BENCH_BLAST"])
    started, count = time.process_time(), 0
    stream: Any = watch.Watch()  # type: ignore[no-untyped-call]
    for _ in stream.stream(api.list_pod_for_all_namespaces, resource_version="1000"):
        if not count:
            started = time.process_time()
        count += 1
        if count >= wanted:
            break
    seconds = time.process_time() - started
    return Took(seconds=seconds, count=count)


def our_standing(ready: Ready) -> Took:
    """All kinds of all clusters followed: memory of the process, and CPU while it stands."""
    return asyncio.run(_our_standing(ready))


async def _our_standing(ready: Ready) -> Took:
    from console.resources import views

    kinds = [kind for kind, view in views().items() if view.source is not None]
    fleet = _fleet(ready)
    task = asyncio.ensure_future(fleet.run())
    fleet.watch(kinds)
    await _complete(fleet, kinds, len(ready.urls))
    await asyncio.sleep(_SETTLE)
    started, worked = time.perf_counter(), time.process_time()
    while time.perf_counter() - started < _WINDOW:
        await asyncio.sleep(0.1)
        fleet.store.take_batch()
    seconds, cpu = time.perf_counter() - started, time.process_time() - worked
    took = Took(
        seconds=seconds,
        megabytes=_resident(),
        percent=100 * cpu / seconds,
        count=len(kinds) * len(ready.urls),
    )
    await _stop(fleet, task)
    return took


def _fleet(ready: Ready) -> Any:
    from console.clock import SystemClock
    from console.config import Cluster, Settings
    from console.fleet import Fleet
    from console.inventory import Inventory
    from console.links.kube.kubeconfig import KubeEntry, KubeUser
    from console.store import Store

    user = KubeUser(name="bench", token=ready.token)
    clusters = tuple(
        Cluster(
            alias=f"c{number:02}",
            context=f"c{number:02}",
            server=url,
            entry=KubeEntry(
                context=f"c{number:02}",
                cluster=f"c{number:02}",
                server=url,
                user=user,
                ca_file=ready.ca_file,
            ),
        )
        for number, url in enumerate(ready.urls)
    )
    clock = SystemClock()
    inventory = Inventory(clusters=clusters, settings=Settings())
    return Fleet(inventory, Store(clock), clock, request_timeout=60.0)


async def _complete(fleet: Any, kinds: list[str], clusters: int) -> None:
    while True:
        done = sum(source.complete_at is not None for source in fleet.look.sources())
        if done >= clusters * (len(kinds) + 1):
            return
        fleet.store.take_batch()
        await asyncio.sleep(0.005)


async def _stop(fleet: Any, task: asyncio.Future[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await fleet.close()


READERS: dict[str, Callable[[Ready], Took]] = {
    "our-share": our_share,
    "official-share": official_share,
    "our-fleet": our_fleet,
    "official-fleet": official_fleet,
    "our-events": our_events,
    "official-events": official_events,
    "our-standing": our_standing,
}


def main() -> None:
    """Read, and print what it took."""
    ready = msgspec.json.decode(sys.argv[2], type=Ready)
    took = READERS[sys.argv[1]](ready)
    sys.stdout.write(msgspec.json.encode(took).decode() + "\n")


if __name__ == "__main__":
    main()
