"""fleet.yaml as written: decoded, checked against the clusters there are, and located."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path

from console.config import FleetFile
from console.errors import ConfigError, PlacedError
from console.yaml_file import YamlFile

_Place = tuple[str | int, ...]


class FleetText:
    """The options of fleet.yaml and where each stands; without a file, the defaults."""

    def __init__(self, file: YamlFile | None) -> None:
        self._file = file
        self.path = file.path if file else ""
        has_options = file is not None and file.value is not None
        self.options = file.decode(FleetFile) if file and has_options else FleetFile()

    @classmethod
    def read(cls, path: Path) -> "FleetText":
        """Read a file.

        Raises:
            ConfigError: it cannot be read, or says something that fleet.yaml may not say.

        """
        file = YamlFile.read(path, error=ConfigError)
        file.refuse_duplicates()
        return cls(file)

    @classmethod
    def empty(cls) -> "FleetText":
        """Return what holds without a file."""
        return cls(None)

    def check(self, known: Collection[str]) -> None:
        """Refuse references to clusters that are none, and times that run backwards."""
        for pattern, steps in self._references():
            if not any(fnmatchcase(name, pattern) for name in known):
                raise self.refusal(
                    f"no cluster is called {pattern!r}", *steps, remedy=nearest(pattern, known)
                )
        for index, pair in enumerate(self.options.standby_pairs):
            if pair.primary == pair.standby:
                raise self.refusal(
                    f"{pair.primary!r} cannot stand by for itself", "standbyPairs", index
                )
        for index, freeze in enumerate(self.options.guards.freezes):
            if freeze.end <= freeze.start:
                place: _Place = ("guards", "freezes", index, "to")
                raise self.refusal("a freeze ends before it begins", *place)

    def refusal(self, message: str, *steps: str | int, remedy: str = "") -> PlacedError:
        """Make an error that stands at a value."""
        assert self._file is not None  # noqa: S101  only what a file says can be refused
        return self._file.refusal(message, *steps, remedy=remedy)

    def place(self, *steps: str | int) -> str:
        """Return file and line of a key."""
        if self._file is None:
            return "default"
        return f"{self._file.path}:{self._file.line(*steps, key=True)}"

    def cluster_origins(self, index: int) -> dict[str, str]:
        """Return where each key of a cluster stands."""
        written = self._file.value["clusters"][index] if self._file else {}
        return {name: self.place("clusters", index, name) for name in written}

    def section_origins(self) -> dict[str, str]:
        """Return where the keys of the other sections stand, by dotted path."""
        found: dict[str, str] = {}
        written = self._file.value if self._file else None
        for section in ("standbyPairs", "guards", "thresholds"):
            inner = (written or {}).get(section)
            if isinstance(inner, list):
                found[section] = self.place(section)
            for name in inner if isinstance(inner, dict) else ():
                found[f"{section}.{name}"] = self.place(section, name)
        return found

    def _references(self) -> Iterable[tuple[str, _Place]]:
        guards = self.options.guards
        for index, pattern in enumerate(guards.read_only_clusters):
            yield pattern, ("guards", "readOnlyClusters", index)
        for index, pair in enumerate(self.options.standby_pairs):
            yield pair.primary, ("standbyPairs", index, "primary")
            yield pair.standby, ("standbyPairs", index, "standby")
        for index, freeze in enumerate(guards.freezes):
            for position, pattern in enumerate(freeze.clusters):
                yield pattern, ("guards", "freezes", index, "clusters", position)


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which names are meant perhaps, or which there are."""
    names = list(dict.fromkeys(known))
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    shown = ", ".join(names[:8])
    return f"known: {shown}{', …' if len(names) > 8 else ''}"
