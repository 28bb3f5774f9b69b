"""How a tone looks: always a glyph and a word, and a colour for those who see it."""

import os
import re
from collections.abc import Mapping

from rich.style import Style
from rich.text import Text

from console.record import Tone, Word
from screens.themes import DARK


def speaks_utf8(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the locale can show the glyphs; a silent one is believed to."""
    said = next((environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), "")
    return not said or re.search(r"utf-?8", said, re.IGNORECASE) is not None


class _Look:
    """The colours and glyphs in force: one terminal, one theme at a time."""

    def __init__(self) -> None:
        self.ascii = not speaks_utf8()
        self.styles: dict[Tone, Style] = {}
        self.use(DARK.variables)

    def use(self, variables: Mapping[str, str]) -> None:
        heavy = (Tone.BAD, Tone.UNKNOWN)
        self.styles = {
            tone: Style(color=variables.get(f"tone-{tone}", "default"), bold=tone in heavy)
            for tone in Tone
        }


_look = _Look()


def use_colours(variables: Mapping[str, str]) -> None:
    """Take the tones' colours from a theme's variables."""
    _look.use(variables)


def use_ascii(ascii_only: bool) -> None:
    """Choose the glyphs: plain ones for terminals without UTF-8."""
    _look.ascii = ascii_only


def glyph(tone: Tone) -> str:
    """Return the one-cell mark of a tone that this terminal can show."""
    return tone.ascii_glyph if _look.ascii else tone.glyph


def sign(unicode_sign: str, ascii_sign: str) -> str:
    """Return a mark that this terminal can show."""
    return ascii_sign if _look.ascii else unicode_sign


def style(tone: Tone) -> Style:
    """Return the style of a tone in the theme in force."""
    return _look.styles[tone]


def words(word: Word) -> str:
    """Return a word with its glyph: `✗ PINNED MAX`."""
    return f"{glyph(word.tone)} {word.text}"


def tone_text(word: Word) -> Text:
    """Return a word with glyph and colour."""
    return Text(words(word), style=style(word.tone))
