"""A small fleet of records for the screens' tests: some well, some not."""

from collections.abc import Iterator

from console.record import Key, Record
from console.resources.shapes import Condition, Node, Pod
from console.store import Store
from tests.screens.fake import CLUSTERS, NOW, live, put


def pods(cluster: str, count: int) -> Iterator[Record]:
    for at in range(count):
        bad = at % 7 == 3
        yield Pod(
            key=Key(cluster, "pod", f"tenant-t{at % 4}", f"ai-shifu-api-6b7d9c-{at:04}"),
            uid=f"{cluster}-{at}",
            created=NOW - 3600 - at,
            labels={"app": "api"},
            phase="Running",
            status="CrashLoopBackOff" if bad else "Running",
            ready=0 if bad else 1,
            containers=1,
            restarts=9 if bad else 0,
            is_ready=not bad,
            node=f"ip-10-0-0-{at % 5}",
            owner_kind="Deployment",
            owner_name="ai-shifu-api",
            scheduled=True,
        )


def nodes(cluster: str, count: int) -> Iterator[Record]:
    for at in range(count):
        ready = "False" if at == 0 and cluster.endswith("central-1") else "True"
        yield Node(
            key=Key(cluster, "node", "", f"ip-10-0-0-{at}"),
            created=NOW - 86400,
            group="app",
            conditions=(Condition("Ready", ready, "KubeletReady", "", NOW - 800),),
            cpu_milli=8000,
            memory_bytes=16 * 2**30,
            pod_slots=58,
            kubelet="v1.34.1",
        )


KINDS = ("pod", "node", "namespace", "deployment", "statefulset", "hpa", "quota", "event")


def fill(store: Store) -> None:
    aliases = [cluster.alias for cluster in CLUSTERS]
    for at, alias in enumerate(aliases):
        put(store, pods(alias, 10 + at))
        put(store, nodes(alias, 3))
    live(store, KINDS, aliases)
