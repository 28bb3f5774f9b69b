"""What reading a list of 10,000 pods costs the console itself: processor and memory."""

from tests.bench.figure import Figure
from tests.bench.messages import Load
from tests.bench.processes import read, serving


async def measure() -> list[Figure]:
    async with serving(Load(pods=10_000)) as ready:
        ours = await read("our-share", ready)
        theirs = await read("official-share", ready)
    return [
        Figure(
            name="10,000 pods, list to records: processor",
            unit="s",
            ours=ours.seconds,
            peer="official client",
            theirs=theirs.seconds,
            budget="≤ 0.2 s",
        ),
        Figure(
            name="10,000 pods, list to records: memory",
            unit="MB",
            ours=ours.megabytes,
            peer="official client",
            theirs=theirs.megabytes,
            budget="≤ 15 MB",
        ),
    ]
