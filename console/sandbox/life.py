"""Life from outside the clusters: a release now and then, and Argo CD healing what drifts."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from itertools import count, cycle

from console.sandbox.cluster import Cluster
from console.sandbox.kinds import HPA
from console.sandbox.objects import Obj
from console.sandbox.seed import GITOPS, TENANTS, Tenant, release

RELEASE_SECONDS = 150
HEAL_SECONDS = 5


async def releases(clusters: Mapping[str, Cluster]) -> None:
    """Release a next version to one tenant after the other."""
    willing = cycle([one for one in TENANTS if one.bid not in ("acme", "hooli", "tyrell")])
    for build in count(1):
        await asyncio.sleep(RELEASE_SECONDS)
        tenant = next(willing)
        name = "ai-shifu-web" if build % 2 else "ai-shifu-cook-web"
        release(
            clusters[tenant.cluster], f"tenant-{tenant.bid}", name, f"2.8.{4 + (build + 8) // 9}"
        )


async def heal(clusters: Mapping[str, Cluster]) -> None:
    """Set autoscalers' bounds back to git's where Argo CD was not told to leave them alone."""
    watched = [one for one in TENANTS if one.self_heal and not one.bounds_ignored]
    committed = {key: spec for tenant in watched for key, spec in _bounds(clusters, tenant)}
    while True:
        await asyncio.sleep(HEAL_SECONDS)
        for (context, namespace, name), bounds in committed.items():
            cluster = clusters[context]
            found = cluster.store.get(HPA, namespace, name)
            if found and not bounds.items() <= found.obj["spec"].items():
                cluster.registry.change(HPA, found, _setter(bounds), GITOPS)


def _bounds(
    clusters: Mapping[str, Cluster], tenant: Tenant
) -> Iterator[tuple[tuple[str, str, str], Obj]]:
    namespace = f"tenant-{tenant.bid}"
    for hpa in clusters[tenant.cluster].store.objects(HPA, namespace):
        kept = {name: hpa["spec"][name] for name in ("minReplicas", "maxReplicas")}
        yield (tenant.cluster, namespace, hpa["metadata"]["name"]), kept


def _setter(bounds: Obj) -> Callable[[Obj], None]:
    return lambda obj: obj["spec"].update(bounds)
