"""Says what size is needed, when the terminal has less."""

from textual.widgets import Static

LEAST_WIDTH = 40
LEAST_HEIGHT = 10


class TooSmall(Static):
    """Stands in for everything else on a terminal that is too small."""

    DEFAULT_CSS = "TooSmall { width: 1fr; height: 1fr; overflow: hidden; }"

    def on_mount(self) -> None:
        self._say()

    def on_resize(self) -> None:
        self._say()

    def _say(self) -> None:
        size = self.app.size
        self.update(f"too small: {size.width}x{size.height}\nneeds {LEAST_WIDTH}x{LEAST_HEIGHT}")
