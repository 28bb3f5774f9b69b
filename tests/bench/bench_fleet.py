"""How long a whole fleet takes to be complete, and how that grows with the clusters."""

from tests.bench.figure import Figure
from tests.bench.messages import Load
from tests.bench.processes import read, serving

_PODS = 2000
_GROWTH = (1, 5, 10, 25, 50)
_OFFICIAL = (1, 5, 50)
"""The official client needs minutes for more: three points show its line."""


async def measure() -> list[Figure]:
    return [await _measure(clusters) for clusters in _GROWTH]


async def _measure(clusters: int) -> Figure:
    async with serving(Load(clusters=clusters, pods=_PODS)) as ready:
        ours = await read("our-fleet", ready)
        beside = clusters in _OFFICIAL
        theirs = await read("official-fleet", ready) if beside else None
    return Figure(
        name=f"{clusters} clusters x {_PODS:,} pods complete",
        unit="s",
        ours=ours.seconds,
        peer="official client in threads" if theirs else "",
        theirs=theirs.seconds if theirs else None,
        budget="≤ 3.5 s" if clusters == _GROWTH[-1] else "",
    )
