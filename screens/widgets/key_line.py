"""The line of the most used keys, drawn from the bindings; a key can be clicked."""

from rich.style import Style
from rich.text import Text

from screens.widgets.one_line import OneLine


class KeyLine(OneLine):
    """Shows the bindings that say `show` and are active now."""

    DEFAULT_CSS = """
    KeyLine { dock: bottom; height: 1; background: $panel; color: $foreground; }
    """

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._draw)
        self._draw()

    def _draw(self, _: object = None) -> None:
        line = Text(" ")
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if not binding.show or not active.enabled:
                continue
            click = Style.from_meta({"@click": ("app.simulate_key", (binding.key,))})
            line.append(self.app.get_key_display(binding), Style(bold=True) + click)
            line.append(f" {binding.description}  ", click)
        self.show(line)
