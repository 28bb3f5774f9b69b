"""The whole object as its cluster has it, to read and to search."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from console.errors import ConsoleError
from console.record import Key, Tone
from console.redact import printable, redact
from screens import keys, tones
from screens.frame import FrameScreen
from screens.widgets.sheet import Line, Sheet

if TYPE_CHECKING:
    from screens.widgets.prompt import Prompt


def dump(found: dict[str, Any], *, managed: bool) -> str:
    """Write an object as YAML; who manages which field only when asked."""
    import yaml

    if not managed and isinstance(found.get("metadata"), dict):
        metadata = {k: v for k, v in found["metadata"].items() if k != "managedFields"}
        found = found | {"metadata": metadata}
    text: str = yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=100)
    return redact(text)


def coloured(line: str) -> Text:
    """Set a YAML key apart from its value."""
    head, colon, tail = line.partition(":")
    if not colon or (tail and not tail.startswith(" ")):
        return Text(line)
    return Text(head, Style(bold=True)).append(colon + tail, Style(bold=False))


class YamlScreen(FrameScreen):
    """One object as YAML."""

    BINDINGS = keys.YAML

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.sheet = Sheet([Line(Text("reading"))], id="sheet")
        self._key = key
        self._found: dict[str, Any] | None = None
        self._managed = False
        self._sought = ""
        self._text = ""

    def body(self) -> Iterable[Widget]:
        yield self.sheet

    def on_mount(self) -> None:
        self.sheet.focus()
        self.on_fleet()

    def on_fleet(self) -> None:
        if self.console_app.fleet is not None:
            self.run_worker(self._read(), exclusive=True, group="read")

    async def _read(self) -> None:
        fleet = self.console_app.fleet
        assert fleet is not None  # noqa: S101  on_fleet asked
        try:
            self._found = await fleet.fetch(self._key)
        except ConsoleError as error:
            self.sheet.show(
                [
                    Line(
                        Text(
                            f"{tones.glyph(Tone.BAD)} {printable(str(error))}",
                            tones.style(Tone.BAD),
                        )
                    )
                ]
            )
            return
        await self._show()

    async def _show(self) -> None:
        if self._found is None:
            return
        # A large object takes long enough to write that keys would wait for it.
        self._text = await asyncio.to_thread(dump, self._found, managed=self._managed)
        self.sheet.show([Line(coloured(printable(line, 4000))) for line in self._text.splitlines()])

    def scope_aliases(self) -> tuple[str, ...]:
        return (self._key.cluster,)

    def title_facts(self) -> Text:
        found = f" · /{self._sought}" if self._sought else ""
        return Text(f"{self._key.kind} {self._key}{found}")

    def action_toggle_managed(self) -> None:
        """Show or hide who manages which field."""
        self._managed = not self._managed
        self.run_worker(self._show(), exclusive=True, group="read")

    def action_find(self) -> None:
        """Ask for a text to find."""
        self.ask("/", self._sought)

    def filter_edited(self, text: str) -> None:
        self._sought = text
        if text:
            self._find(self.sheet.cursor)
        self.draw_frame()

    def on_prompt_left(self, event: "Prompt.Left") -> None:
        event.stop()
        self._sought = ""
        self.draw_frame()

    def action_find_next(self) -> None:
        """Go to the next line with the text."""
        self._find(self.sheet.cursor + 1)

    def _find(self, start: int) -> None:
        lines = self.sheet.lines
        for at in (*range(start, len(lines)), *range(min(start, len(lines)))):
            if self._sought and self._sought.lower() in lines[at].text.plain.lower():
                self.sheet.go(at)
                return

    def retreat(self) -> bool:
        had, self._sought = bool(self._sought), ""
        if had:
            self.draw_frame()
        return had

    def action_copy(self) -> None:
        """Copy the whole text."""
        self.console_app.copy(self._text)
