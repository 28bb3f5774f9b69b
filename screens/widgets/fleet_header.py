"""The head of every view: production bar, scope, mode, the fleet in a line, age of data, UTC."""

from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from console.clock import format_time
from console.record import Tone
from console.units import format_age
from screens import tones
from screens.widgets.one_line import OneLine


@dataclass(frozen=True)
class HeaderFacts:
    """What the header says."""

    scope: str
    production: tuple[str, ...]
    """Production clusters within the scope."""
    mode: str
    counts: tuple[tuple[Tone, int], ...]
    oldest: float | None
    now: float
    trouble: str = ""


class ProductionBar(OneLine):
    """A full-width bar with the word PROD."""

    DEFAULT_CSS = """
    ProductionBar {
        height: 1; background: $prod-bar; color: $prod-text; text-style: bold; display: none;
    }
    ProductionBar.-on { display: block; }
    """


class FleetHeader(OneLine):
    """One line about the whole fleet."""

    DEFAULT_CSS = "FleetHeader { height: 1; background: $panel; color: $foreground; }"


def production_text(facts: HeaderFacts, width: int) -> Text:
    """Write the bar: the word at both ends, the clusters between."""
    names = ", ".join(facts.production)
    text = Text(f" PROD  {names}")
    if text.cell_len + 6 < width:
        text.append(" " * (width - text.cell_len - 5))
        text.append("PROD ")
    return text


def header_text(facts: HeaderFacts, width: int) -> Text:
    """Write the line; what matters least is left out where there is no room."""
    clock = format_time(facts.now)[11:19] + "Z"
    right = Text()
    for tone, count in facts.counts:
        right.append(f"{tones.glyph(tone)}{count} {tone}  ", tones.style(tone))
    right.append(f"oldest {format_age(facts.oldest)}  ")
    right.append(clock, Style(bold=True))
    left = Text(" ")
    heavy = Style(bold=True, reverse=facts.mode == "WRITE")
    left.append(f" {facts.mode} ", heavy)
    left.append(f"  {facts.scope}")
    if facts.trouble:
        left.append(f"  {facts.trouble}", tones.style(Tone.BAD))
    room = width - right.cell_len - 2
    if room < 12:
        left.truncate(max(0, width - 11), overflow="ellipsis", pad=True)
        return left.append(f" {clock} ")
    left.truncate(room, overflow="ellipsis", pad=True)
    return left.append(" ").append_text(right).append(" ")
