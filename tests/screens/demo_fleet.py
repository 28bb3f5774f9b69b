"""A small fleet of records for the screens' tests: some well, some not."""

from collections.abc import Iterator

from console.record import Key, Record
from console.resources.deployments import Deployment
from console.resources.hpa_wire import Metric
from console.resources.hpa_words import Hpa
from console.resources.namespaces import Namespace
from console.resources.shapes import Condition, Dimension, Node, Pod, Quota
from console.store import Store
from tests.screens.fake import CLUSTERS, NOW, live, put

KINDS = ("pod", "node", "namespace", "deployment", "statefulset", "hpa", "quota", "event")
TENANTS = {
    "mgmt-us-west-2": (),
    "prod-us-west-2": ("acme", "globex", "initech"),
    "prod-eu-central-1": ("stark", "wayne"),
    "staging-ap-1": ("oscorp",),
}
PINNED = "acme"
FULL = "wayne"


def pods(cluster: str, count: int, namespace: str = "tenant-t") -> Iterator[Pod]:
    """Give many pods, one in seven of them crashing."""
    for at in range(count):
        bad = at % 7 == 3
        yield Pod(
            key=Key(cluster, "pod", f"{namespace}{at % 4}", f"ai-shifu-api-6b7d9c-{at:05}"),
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


def nodes(cluster: str, count: int) -> Iterator[Node]:
    """Give nodes; the first one in Frankfurt has stopped answering."""
    for at in range(count):
        lost = at == 0 and "central-1" in cluster
        yield Node(
            key=Key(cluster, "node", "", f"ip-10-0-0-{at}"),
            created=NOW - 86400,
            group="app",
            group_kind="eks",
            zone="a",
            conditions=(Condition("Ready", "Unknown" if lost else "True", "", "", NOW - 800),),
            cpu_milli=8000,
            memory_bytes=16 * 2**30,
            pod_slots=58,
            kubelet="v1.34.1",
        )


def tenant(cluster: str, bid: str) -> Iterator[Record]:
    """Give what a tenant is made of."""
    space = f"tenant-{bid}"
    labels = {"ai-shifu.io/tenant": bid, "ai-shifu.io/tier": "premium"}
    yield Namespace(
        key=Key(cluster, "namespace", "", space),
        created=NOW - 20 * 86400,
        labels=labels,
        phase="Active",
        tenant=bid,
    )
    full = bid == FULL
    cpu = Dimension("requests.cpu", "30" if full else "12", "30", 30000 if full else 12000, 30000)
    yield Quota(key=Key(cluster, "quota", space, "tenant-quota"), dimensions=(cpu,))
    now = 6 if bid == PINNED else 3
    yield Deployment(
        key=Key(cluster, "deployment", space, "ai-shifu-api"),
        created=NOW - 20 * 86400,
        labels=labels,
        replicas=now,
        current=now,
        updated=now,
        ready=now,
        available=now,
        generation=1,
        observed_generation=1,
        conditions=(Condition("Available", "True", "", "", NOW - 5000),),
    )
    yield _hpa(cluster, bid, now)
    for at in range(now):
        yield Pod(
            key=Key(cluster, "pod", space, f"ai-shifu-api-6b7d9c-{at:05}"),
            created=NOW - 4000,
            labels=labels,
            phase="Running",
            status="Running",
            ready=1,
            containers=1,
            is_ready=True,
            node=f"ip-10-0-0-{at % 3}",
            owner_kind="Deployment",
            owner_name="ai-shifu-api",
            scheduled=True,
        )


def _hpa(cluster: str, bid: str, now: int) -> Hpa:
    hot = bid == PINNED
    limited = Condition(
        "ScalingLimited", "True" if hot else "False", "TooManyReplicas", "", NOW - 900
    )
    return Hpa(
        key=Key(cluster, "hpa", f"tenant-{bid}", "ai-shifu-api"),
        created=NOW - 20 * 86400,
        target_kind="Deployment",
        target_name="ai-shifu-api",
        min_replicas=3,
        max_replicas=6,
        current_replicas=now,
        desired_replicas=now,
        conditions=(
            Condition("AbleToScale", "True", "ReadyForNewScale", "", NOW - 900),
            Condition("ScalingActive", "True", "ValidMetricFound", "", NOW - 900),
            limited,
        ),
        last_scale_at=NOW - 2000,
        generation=1,
        observed_generation=1,
        metrics=(_metric(hot, now),),
    )


def _metric(hot: bool, now: int) -> Metric:
    return Metric(
        name="cpu",
        current="97%" if hot else "60%",
        target="70%",
        ratio=97 / 70 if hot else 60 / 70,
        proposed=9 if hot else now,
    )


def fill(store: Store) -> None:
    """Put the whole fleet in, complete and fresh."""
    for cluster, tenants in TENANTS.items():
        put(store, nodes(cluster, 3))
        for bid in tenants:
            put(store, tenant(cluster, bid))
    live(store, KINDS, [cluster.alias for cluster in CLUSTERS])
