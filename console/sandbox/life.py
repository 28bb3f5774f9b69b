"""Life that no controller makes: a release now and then."""

import asyncio
from collections.abc import Mapping
from itertools import count, cycle

from console.sandbox.cluster import Cluster
from console.sandbox.seed import TENANTS, release

RELEASE_SECONDS = 150


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
