"""What a followed fleet costs while it stands: memory, and processor at rest and under change."""

from console.resources import views
from tests.bench.figure import Figure
from tests.bench.messages import Load
from tests.bench.processes import read, serving

_PODS = 100_000
_STREAMS = 500


async def measure() -> list[Figure]:
    kinds = sum(view.source is not None for view in views().values())
    clusters = -(-_STREAMS // kinds)
    pods = -(-_PODS // clusters)
    async with serving(Load(clusters=clusters, pods=pods)) as ready:
        idle = await read("our-standing", ready)
    async with serving(Load(clusters=clusters, pods=pods, events=2000.0)) as ready:
        busy = await read("our-standing", ready)
    size = f"{clusters * pods:,} pods, {idle.count} streams"
    return [
        Figure(name=f"memory: {size}", unit="MB", ours=idle.megabytes, budget="≤ 200 MB"),
        Figure(name=f"processor at rest: {size}", unit="%", ours=idle.percent, budget="≤ 1 %"),
        Figure(name="processor at 2,000 events/s", unit="%", ours=busy.percent, budget="≤ 15 %"),
    ]
