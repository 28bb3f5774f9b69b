"""Emulated kubelets (kwok) and the metrics API above them (metrics-server)."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from tests.real import stages
from tests.real.api import Api, ApiError, Object, read_yaml, until
from tests.real.certificates import Pair
from tests.real.process import Server, free_ports
from tests.real.servers import KUBERNETES, KWOK, METRICS

_START_SECONDS = 60.0
_NODE_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_RESOURCE_METRICS = "metrics.k8s.io/resource-metrics-path"


# The API server accepts node information only whole.
_NODE_INFO = {
    "architecture": "amd64",
    "bootID": "",
    "containerRuntimeVersion": f"kwok://{KWOK.version}",
    "kernelVersion": "kwok",
    "kubeProxyVersion": "",
    "kubeletVersion": KUBERNETES.version,
    "machineID": "",
    "operatingSystem": "linux",
    "osImage": "kwok",
    "systemUUID": "",
}


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A node to emulate."""

    name: str
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    taints: tuple[Mapping[str, str], ...] = ()
    cpu: str = "8"
    memory: str = "16Gi"
    pods: str = "58"
    provider_id: str = ""

    def manifest(self) -> Object:
        """Return the object as a kubelet would register it."""
        sizes = {"cpu": self.cpu, "memory": self.memory, "pods": self.pods}
        path = f"/metrics/nodes/{self.name}/metrics/resource"
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": self.name,
                "labels": {"kubernetes.io/hostname": self.name} | dict(self.labels),
                "annotations": {_RESOURCE_METRICS: path} | dict(self.annotations),
            },
            "spec": {
                "taints": [dict(taint) for taint in self.taints],
                "providerID": self.provider_id,
            },
            "status": {
                "allocatable": sizes,
                "capacity": sizes,
                "nodeInfo": _NODE_INFO,
            },
        }


class Kubelets:
    """The kwok and metrics-server of one control plane."""

    def __init__(
        self, folder: Path, *, kwok_kubeconfig: Path, metrics_kubeconfig: Path, serving: Pair
    ) -> None:
        self._folder = folder
        self._kwok_kubeconfig = kwok_kubeconfig
        self._metrics_kubeconfig = metrics_kubeconfig
        self._serving = serving
        self.servers: list[Server] = []

    @property
    def kwok(self) -> Server:
        """Return the kubelets' process; frozen, all nodes fall silent."""
        return next(server for server in self.servers if server.name == "kwok")

    async def stop_metrics(self) -> None:
        """Take the metrics away: autoscalers go blind."""
        await asyncio.gather(*(one.stop() for one in self.servers if one.name == "metrics-server"))

    async def reconnect(self, api: Api) -> None:
        """Start kwok afresh, which drops the watches that an API server took with it."""
        if not self.servers:
            return
        await self.kwok.stop(signal.SIGKILL)
        # It starts as another holder, and would wait for its own leases to run out.
        await api.request("DELETE", _NODE_LEASES)
        self.kwok.start()

    async def start(self, api: Api, nodes: Sequence[Node], *, metrics: bool) -> None:
        """Start kwok, register the nodes and wait until they are ready."""
        kwok_port, metrics_port = free_ports(2)
        await self._start_kwok(kwok_port)
        for node in nodes:
            await self.register(api, node)
        await until("nodes ready", lambda: _ready(api, len(nodes)), seconds=_START_SECONDS)
        if metrics:
            await self._start_metrics(api, metrics_port)

    async def register(self, api: Api, node: Node) -> None:
        """Register a node as its kubelet would."""
        await api.create(node.manifest())

    async def stop(self) -> None:
        """Stop both."""
        await asyncio.gather(*(server.stop() for server in self.servers))

    async def _start_kwok(self, port: int) -> None:
        own = stages.write(self._folder / "stages.yaml")
        files = [
            *KWOK.files("metrics"),
            *KWOK.files("node-heartbeat"),
            *KWOK.files("pod-stages"),
            own,
        ]
        command: list[str | Path] = [
            KWOK.program("kwok"),
            f"--kubeconfig={self._kwok_kubeconfig}",
            "--manage-all-nodes=true",
            # Without leases the node controller calls every node unreachable after 50 seconds.
            "--node-lease-duration-seconds=40",
            "--node-ip=127.0.0.1",
            f"--node-port={port}",
            f"--server-address=127.0.0.1:{port}",
            f"--tls-cert-file={self._serving.certificate}",
            f"--tls-private-key-file={self._serving.key}",
            *(f"--config={file}" for file in files),
        ]
        kwok = Server(command, folder=self._folder, name="kwok")
        self.servers.append(kwok)
        kwok.start()
        await kwok.ready(lambda: _listens(port), seconds=_START_SECONDS)

    async def _start_metrics(self, api: Api, port: int) -> None:
        command: list[str | Path] = [
            METRICS.program("metrics-server"),
            f"--kubeconfig={self._metrics_kubeconfig}",
            f"--authentication-kubeconfig={self._metrics_kubeconfig}",
            f"--authorization-kubeconfig={self._metrics_kubeconfig}",
            f"--cert-dir={self._folder}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            "--kubelet-insecure-tls",
            "--kubelet-use-node-status-port",
            "--kubelet-preferred-address-types=InternalIP",
            # The shortest that it accepts.
            "--metric-resolution=10s",
            "--kubelet-request-timeout=5s",
        ]
        server = Server(command, folder=self._folder, name="metrics-server")
        self.servers.append(server)
        server.start()
        await api.apply_all([_metrics_service(port), *_metrics_api(port)])
        # It listens before it has read the cluster, and would die without an API server then.
        await server.ready(lambda: _serves_metrics(api), seconds=_START_SECONDS)


def _metrics_service(port: int) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "metrics-server", "namespace": "kube-system"},
        "spec": {
            "type": "ExternalName",
            "externalName": "localhost",
            "ports": [{"port": port, "protocol": "TCP"}],
        },
    }


def _metrics_api(port: int) -> list[Object]:
    items = [item for file in METRICS.files("api") for item in read_yaml(file)]
    for item in items:
        item["spec"]["service"]["port"] = port
    return items


async def _ready(api: Api, count: int) -> bool:
    nodes = await api.items("/api/v1/nodes")
    ready = [
        node
        for node in nodes
        for condition in node["status"].get("conditions", [])
        if condition["type"] == "Ready" and condition["status"] == "True"
    ]
    return len(ready) >= count


async def _serves_metrics(api: Api) -> bool:
    try:
        await api.get("/apis/metrics.k8s.io/v1beta1")
    except ApiError as error:
        if error.code in {404, 503}:
            return False
        raise
    return True


async def _listens(port: int) -> bool:
    try:
        async with asyncio.timeout(1):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
