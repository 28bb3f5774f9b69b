"""Key, Record and Word: the base of everything observed."""

from enum import StrEnum

import msgspec


class Tone(StrEnum):
    """How a state feels to the person on call; always shown with a word and a glyph."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    PROGRESS = "progress"
    STALE = "stale"
    UNKNOWN = "unknown"
    FORBIDDEN = "forbidden"
    OFF = "off"

    @property
    def glyph(self) -> str:
        """Return the one-cell mark that says the tone without colour."""
        return _GLYPHS[self]

    @property
    def ascii_glyph(self) -> str:
        """Return the mark for terminals without UTF-8."""
        return _ASCII_GLYPHS[self]

    @property
    def severity(self) -> int:
        """Return the sorting rank: 0 is the worst."""
        return _WORST_FIRST.index(self)

    @property
    def is_fault(self) -> bool:
        """Tell whether the only-faults filter keeps it."""
        return self in _FAULTS


_WORST_FIRST = (
    Tone.BAD,
    Tone.UNKNOWN,
    Tone.STALE,
    Tone.WARN,
    Tone.PROGRESS,
    Tone.FORBIDDEN,
    Tone.OK,
    Tone.OFF,
)
_FAULTS = frozenset({Tone.BAD, Tone.UNKNOWN, Tone.STALE, Tone.WARN})
_GLYPHS = {
    Tone.OK: "✓",
    Tone.WARN: "!",
    Tone.BAD: "✗",
    Tone.PROGRESS: "…",
    Tone.STALE: "~",
    Tone.UNKNOWN: "?",
    Tone.FORBIDDEN: "⊘",
    Tone.OFF: "–",  # noqa: RUF001  an en dash on purpose
}
_ASCII_GLYPHS = _GLYPHS | {
    Tone.OK: "+",
    Tone.BAD: "x",
    Tone.PROGRESS: ".",
    Tone.FORBIDDEN: "/",
    Tone.OFF: "-",
}


class Word(msgspec.Struct, frozen=True, gc=False):
    """A state in a word or two (PINNED MAX), its tone, and why it was chosen."""

    text: str
    tone: Tone
    reason: str = ""


def worst(words: "list[Word]") -> Word | None:
    """Return the most severe word; the first of equals."""
    return min(words, key=lambda word: word.tone.severity, default=None)


class Key(msgspec.Struct, frozen=True, order=True, gc=False):
    """Names one thing in the fleet: cluster alias, kind (singular: pod, hpa), namespace, name."""

    cluster: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        middle = f"{self.namespace}/" if self.namespace else ""
        return f"{self.cluster}/{middle}{self.name}"


class Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What every observed thing carries; kinds add flat, slim fields of their own.

    Fields that a source did not tell are None, never 0. `created` is seconds since the epoch.
    Field names become camelCase in `-o json`.
    """

    key: Key
    uid: str = ""
    version: str = ""
    """The object's resourceVersion: opaque, compared for equality only."""
    created: float | None = None
    labels: dict[str, str] = {}
