"""The load generator, a process of its own: API servers on TLS with gzip, full of pods.

`python -m tests.bench.load '{"clusters": 50, "pods": 2000}'` prints a line of JSON when it is
ready and serves until its standard input ends. Everything is rendered beforehand, so that what
is measured is the reader.
"""

import asyncio
import gzip
import json
import random
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from tests.bench.messages import Load, Ready
from tests.links.certificates import Authority

PAGE = 500
_TICK = 0.02
_BLAST_CHUNK = 50
_VERSION = b"@VERSION@@"


class _Pods:
    """The pods of every cluster, rendered once; clusters differ by their address only."""

    def __init__(self, load: Load) -> None:
        self._random = random.Random(4)
        pods = [self._pod(number) for number in range(load.pods)]
        self.pages = {
            start: self._page(pods[start : start + PAGE], start, load.pods)
            for start in range(0, max(1, load.pods), PAGE)
        }
        self.zipped = {start: gzip.compress(page, 5) for start, page in self.pages.items()}
        self.lines = [self._line(pod) for pod in pods[:PAGE]]

    def _page(self, pods: list[dict[str, Any]], start: int, total: int) -> bytes:
        end = start + PAGE
        meta = {"resourceVersion": "1000", "continue": str(end) if end < total else ""}
        page = {"kind": "PodList", "apiVersion": "v1", "metadata": meta, "items": pods}
        return json.dumps(page, separators=(",", ":")).encode()

    def _line(self, pod: dict[str, Any]) -> bytes:
        changed = {**pod, "metadata": {**pod["metadata"], "resourceVersion": _VERSION.decode()}}
        event = {"type": "MODIFIED", "object": changed}
        return json.dumps(event, separators=(",", ":")).encode() + b"\n"

    def _hex(self, length: int) -> str:
        return f"{self._random.getrandbits(length * 4):0{length}x}"

    def _pod(self, number: int) -> dict[str, Any]:
        namespace = f"tenant-{number % 40:03}"
        app = ("ai-shifu-api", "ai-shifu-web", "ai-shifu-cook-web")[number % 3]
        revision = f"{number % 7:010x}"
        uid = self._hex(32)
        name = f"{app}-{revision}-{number:05}"
        labels = {
            "app.kubernetes.io/name": app,
            "ai-shifu.io/tenant": namespace.removeprefix("tenant-"),
            "ai-shifu.io/tier": ("standard", "premium", "enterprise")[number % 3],
            "pod-template-hash": revision,
        }
        container = {
            "name": "main",
            "image": f"registry.example/{app}@sha256:{self._hex(64)}",
            "env": [{"name": f"SETTING_{i}", "value": self._hex(16)} for i in range(24)],
            "resources": {
                "requests": {"cpu": "250m", "memory": "512Mi"},
                "limits": {"cpu": "1", "memory": "1Gi"},
            },
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
            "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10},
        }
        managed: dict[str, Any] = {"f:" + key: {} for key in labels} | {
            "f:spec": {f"f:field-{i}": {".": {}, "f:name": {}, "f:value": {}} for i in range(40)}
        }
        conditions = [
            {"type": kind, "status": "True", "lastTransitionTime": "2026-11-02T10:00:00Z"}
            for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
        ]
        status = {
            "name": "main",
            "ready": True,
            "restartCount": number % 5,
            "image": container["image"],
            "imageID": container["image"],
            "containerID": f"containerd://{self._hex(64)}",
            "state": {"running": {"startedAt": "2026-11-02T10:00:00Z"}},
        }
        return {
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": uid,
                "resourceVersion": str(500 + number),
                "creationTimestamp": "2026-11-02T09:59:00Z",
                "labels": labels,
                "annotations": {"checksum/config": self._hex(64)},
                "ownerReferences": [
                    {
                        "apiVersion": "apps/v1",
                        "kind": "ReplicaSet",
                        "name": f"{app}-{revision}",
                        "uid": self._hex(32),
                        "controller": True,
                    }
                ],
                "managedFields": [
                    {"manager": manager, "operation": "Update", "fieldsV1": managed}
                    for manager in ("kube-controller-manager", "kubelet")
                ],
            },
            "spec": {
                "nodeName": f"ip-10-0-{number % 30}-1.ec2.internal",
                "containers": [container],
                "serviceAccountName": "ai-shifu",
                "volumes": [{"name": "tmp", "emptyDir": {}}],
                "tolerations": [
                    {"key": "node.kubernetes.io/not-ready", "operator": "Exists"},
                    {"key": "node.kubernetes.io/unreachable", "operator": "Exists"},
                ],
            },
            "status": {
                "phase": "Running",
                "conditions": conditions,
                "containerStatuses": [status],
                "podIP": f"10.0.{number % 250}.{number % 200}",
                "hostIP": f"10.1.0.{number % 30}",
                "startTime": "2026-11-02T09:59:01Z",
                "qosClass": "Burstable",
            },
        }


class _Server:
    def __init__(self, load: Load) -> None:
        self._load = load
        self._pods = _Pods(load)
        self._version = 1000
        self._empty = gzip.compress(b'{"metadata":{"resourceVersion":"1000"},"items":[]}')

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/version":
            return web.json_response({"gitVersion": "v1.35.2"})
        if request.path.startswith("/apis/argoproj.io"):
            return web.json_response({"message": "not found"}, status=404)
        if "watch" in request.query:
            return await self._watch(request)
        if request.path == "/api/v1/pods":
            return self._list(request)
        return web.Response(body=self._empty, headers=_ZIPPED)

    def write_pages(self, folder: Path) -> list[str]:
        """Write the list's pages as files, for readers that only decode."""
        files = [folder / f"page-{start}.json" for start in self._pods.pages]
        for file, page in zip(files, self._pods.pages.values(), strict=True):
            file.write_bytes(page)
        return [str(file) for file in files]

    def _list(self, request: web.Request) -> web.Response:
        start = int(request.query.get("continue") or 0)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=self._pods.zipped[start], headers=_ZIPPED)
        return web.Response(body=self._pods.pages[start], headers=_PLAIN)

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=_PLAIN)
        with suppress(ConnectionError):  # the reader has gone
            await response.prepare(request)
            if request.path == "/api/v1/pods":
                await self._blast(response)
                if self._load.events:
                    await self._drip(response)
            await asyncio.Event().wait()
        return response

    async def _blast(self, response: web.StreamResponse) -> None:
        for start in range(0, self._load.blast, _BLAST_CHUNK):
            await response.write(self._events(start, _BLAST_CHUNK))

    async def _drip(self, response: web.StreamResponse) -> None:
        """Send this cluster's share of the changes, evenly over time."""
        rate = self._load.events / self._load.clusters
        loop = asyncio.get_running_loop()
        started, sent = loop.time(), 0
        while True:
            await asyncio.sleep(_TICK)
            due = int((loop.time() - started) * rate)
            if due > sent:
                await response.write(self._events(sent, due - sent))
                sent = due

    def _events(self, start: int, count: int) -> bytes:
        lines = self._pods.lines
        found = []
        for number in range(start, start + count):
            self._version += 1
            version = b"%010d" % self._version
            found.append(lines[number % len(lines)].replace(_VERSION, version))
        return b"".join(found)


_PLAIN = {"Content-Type": "application/json"}
_ZIPPED = _PLAIN | {"Content-Encoding": "gzip"}


async def _serve(load: Load, folder: Path) -> None:
    authority = Authority("bench")
    context = authority.server_context(folder)
    ca_file = folder / "ca.pem"
    ca_file.write_bytes(authority.pem)
    server = _Server(load)
    app = web.Application()
    app.router.add_get("/{tail:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    for _ in range(load.clusters):
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context, backlog=256).start()
    urls = [f"https://127.0.0.1:{address[1]}" for address in runner.addresses]
    ready = Ready(urls, str(ca_file), "bench", server.write_pages(folder))
    sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


def main() -> None:
    """Serve until standard input ends."""
    load = msgspec.json.decode(sys.argv[1], type=Load)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_serve(load, Path(folder)))


if __name__ == "__main__":
    main()
