"""What the benchmark's processes tell each other; imports nothing that would weigh on a reader."""

import msgspec


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What to serve."""

    clusters: int = 1
    pods: int = 1000
    """For each cluster."""
    events: float = 0.0
    """Pod changes a second, over all clusters."""
    blast: int = 0
    """Pod changes to send at once when a watch opens."""


class Ready(msgspec.Struct, frozen=True):
    """Where the load is served."""

    urls: list[str]
    ca_file: str
    token: str
    pages: list[str]
    """Files with the pages of one cluster's list."""


class Took(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader needed."""

    seconds: float = 0.0
    megabytes: float = 0.0
    """Resident memory: of the whole process, or gained, as the reader says."""
    percent: float = 0.0
    """Of one core."""
    count: int = 0
