"""How many watch events reach the store in a second of processor, from TLS to records.

Processor time, because the reader is one busy thread and the machine may have other work.
"""

from tests.bench.figure import Figure
from tests.bench.messages import Load
from tests.bench.processes import read, serving

_OURS = 60_000
_THEIRS = 4_000
"""A rate needs no more, and the official client needs seconds for these."""


async def measure() -> list[Figure]:
    async with serving(Load(pods=500, blast=_OURS)) as ready:
        ours = await read("our-events", ready, BENCH_BLAST=str(_OURS))
    async with serving(Load(pods=500, blast=_THEIRS)) as ready:
        theirs = await read("official-events", ready, BENCH_BLAST=str(_THEIRS))
    return [
        Figure(
            name="sustained watch events, a core",
            unit="/s",
            ours=ours.count / ours.seconds,
            peer="official client",
            theirs=theirs.count / theirs.seconds,
            budget="≥ 10,000 /s",
            lower_is_better=False,
        )
    ]
