"""The sandbox's clock: it can stand in the past while the fleet warms up."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the time, shifted back by some seconds."""

    def __init__(self) -> None:
        self.behind = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) - timedelta(seconds=self.behind)

    def seconds(self) -> float:
        """Tell the time as seconds since the epoch."""
        return self.now().timestamp()


CLOCK = Clock()
