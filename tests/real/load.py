"""CPU load on emulated pods: what the kubelet's metrics shall say they use."""

import http.client
import json
import ssl
import threading
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

USAGE_CPU = "kwok.x-k8s.io/usage-cpu"
_ROUND_SECONDS = 0.5
_DEADLINE_SECONDS = 5.0


class Demand(msgspec.Struct, frozen=True):
    """What the pods of one selector use, each or together, in millicores."""

    per_pod: int | None
    total: int | None

    def share(self, pods: int) -> int:
        """Return one pod's part."""
        if self.per_pod is not None:
            return self.per_pod
        return -(-(self.total or 0) // max(pods, 1))


class Load:
    """Keeps pods under their load, also those that an autoscaler adds; a thread of its own.

    A thread and no task, because the plane it belongs to serves tests in many event loops.
    """

    def __init__(self, url: str, ca_file: Path, token: str) -> None:
        self._address = urlsplit(url)
        self._tls = ssl.create_default_context(cafile=str(ca_file))
        self._token = token
        self._demands: dict[tuple[str, str], Demand] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="load", daemon=True)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def set(self, namespace: str, selector: str, *, per_pod: str | None, total: str | None) -> None:
        """Put the pods of a selector under a load, until another is set."""
        if (per_pod is None) == (total is None):
            raise ValueError("load: give either per_pod or total")
        demand = Demand(
            per_pod=None if per_pod is None else millicores(per_pod),
            total=None if total is None else millicores(total),
        )
        self._demands[namespace, selector] = demand

    def _keep(self) -> None:
        while not self._stop.wait(_ROUND_SECONDS):
            for (namespace, selector), demand in list(self._demands.items()):
                # The API server may be away: the next round tries again.
                try:
                    self._press(namespace, selector, demand)
                except (OSError, http.client.HTTPException, ValueError):
                    continue

    def _press(self, namespace: str, selector: str, demand: Demand) -> None:
        path = f"/api/v1/namespaces/{quote(namespace)}/pods"
        found = self._request("GET", f"{path}?labelSelector={quote(selector)}")
        pods = [pod for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]
        wanted = f"{demand.share(len(pods))}m"
        for pod in pods:
            metadata = pod["metadata"]
            if (metadata.get("annotations") or {}).get(USAGE_CPU) != wanted:
                change = {"metadata": {"annotations": {USAGE_CPU: wanted}}}
                self._request("PATCH", f"{path}/{quote(metadata['name'])}", change)

    def _request(self, method: str, path: str, body: object = None) -> Any:
        link = http.client.HTTPSConnection(
            self._address.hostname or "",
            self._address.port,
            timeout=_DEADLINE_SECONDS,
            context=self._tls,
        )
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/merge-patch+json",
        }
        try:
            link.request(method, path, None if body is None else json.dumps(body), headers)
            return json.loads(link.getresponse().read())
        finally:
            link.close()


def millicores(quantity: str) -> int:
    """Read a CPU quantity such as 250m or 1.5."""
    if quantity.endswith("m"):
        return int(quantity[:-1])
    return int((Decimal(quantity) * 1000).to_integral_value(ROUND_HALF_UP))
