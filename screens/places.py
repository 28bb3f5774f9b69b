"""Where the person has been: back, forward, last, and the breadcrumbs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from screens.frame import FrameScreen


@dataclass
class Place:
    """A view that can be opened again as it was left."""

    crumb: str
    open: Callable[[], "FrameScreen"]
    memo: Any = None


class Trail:
    """The places in the order they were gone to."""

    LONGEST = 50

    def __init__(self, start: Place) -> None:
        self._places = [start]
        self._at = 0
        self._last = start

    @property
    def here(self) -> Place:
        """Return the place that is open."""
        return self._places[self._at]

    @property
    def crumbs(self) -> list[str]:
        """Return the names of the way here."""
        return [place.crumb for place in self._places[: self._at + 1]]

    def go(self, place: Place) -> Place:
        """Go somewhere new; what lay ahead is forgotten."""
        self._last = self.here
        self._places = [*self._places[: self._at + 1], place][-self.LONGEST :]
        self._at = len(self._places) - 1
        return place

    def step(self, by: int) -> Place | None:
        """Go back or forward; None at either end."""
        at = self._at + by
        if not 0 <= at < len(self._places):
            return None
        self._last = self.here
        self._at = at
        return self.here

    def last(self) -> Place | None:
        """Go to the place that was open before this one; None when there was none."""
        if self._last is self.here:
            return None
        for at, place in enumerate(self._places):
            if place is self._last:
                self._last, self._at = self.here, at
                return place
        return self.go(self._last)
