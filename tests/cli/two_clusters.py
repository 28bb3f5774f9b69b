"""Two API servers in a thread of their own, and the program pointed at them."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import yaml

from console.resources import views
from tests.cli.conftest import Program
from tests.links.fake_api import FakeApi, serve


class Site:
    """Clusters east and west; call into them only through `do`."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.apis: dict[str, FakeApi] = {}
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        for name in ("east", "west"):
            api = await self._stack.enter_async_context(serve())
            for view in views().values():
                if view.source is not None:
                    api.collections.setdefault(view.source.path, {})
            self.apis[name] = api

    async def stop(self) -> None:
        await self._stack.aclose()
        # A black hole's request would wait for ever.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def put(self, cluster: str, kind: str, wire: dict[str, Any]) -> None:
        """Add an object to a cluster, or replace it."""
        source = views()[kind].source
        assert source is not None
        self._call(lambda: self.apis[cluster].put(wire, source.path))

    def delete(self, cluster: str, kind: str, namespace: str, name: str) -> None:
        source = views()[kind].source
        assert source is not None
        self._call(lambda: self.apis[cluster].delete(namespace, name, source.path))

    def _call(self, work: Any) -> None:
        done = threading.Event()

        def step() -> None:
            work()
            done.set()

        self.loop.call_soon_threadsafe(step)
        assert done.wait(5)


@contextmanager
def two_clusters(program: Program) -> Iterator[Site]:
    """Serve both clusters and write the program's kubeconfig."""
    site = Site()
    thread = threading.Thread(target=site.loop.run_forever, daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(site.start(), site.loop).result(10)
        names = list(site.apis)
        servers = {name: api.url for name, api in site.apis.items()}
        config = {
            "clusters": [{"name": n, "cluster": {"server": servers[n]}} for n in names],
            "users": [{"name": "sre", "user": {"token": "abc"}}],
            "contexts": [{"name": n, "context": {"cluster": n, "user": "sre"}} for n in names],
        }
        program.kubeconfig.write_text(yaml.safe_dump(config))
        program.fleet.write_text("clusters: [{context: east}, {context: west}]\n")
        yield site
    finally:
        asyncio.run_coroutine_threadsafe(site.stop(), site.loop).result(10)
        site.loop.call_soon_threadsafe(site.loop.stop)
        thread.join(10)
        site.loop.close()
