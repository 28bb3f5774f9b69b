"""The words one command line is made of; the ':' line, the palette and `get` share them.

`KIND [NAMESPACE] [@SCOPE]... [LABEL=VALUE]... [/REGEX | /!REGEX | /-l SELECTOR | /-f FUZZY]`
"""

import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

import msgspec

from console.errors import ConfigError
from console.record import Key, Record
from console.resources import aliases, view_named, views
from console.store import Snapshot

_TENANT_PREFIX = "ai-shifu.io/"
_LABEL = re.compile(r"^(?P<name>[A-Za-z0-9][\w./-]*)=(?P<value>[\w.*?-]*)$")
_REQUIREMENT = re.compile(
    r"""^\s*(?:
        (?P<set>[\w./-]+)\s+(?P<verb>in|notin)\s*\(\s*(?P<values>[^()]*)\)
      | (?P<equal>[\w./-]+)\s*(?P<sign>==|!=|=)\s*(?P<value>[\w.-]*)
      | (?P<absent>!)?\s*(?P<present>[\w./-]+)
    )\s*$""",
    re.VERBOSE,
)

Test = Callable[[str, dict[str, str]], bool]


class Filter(msgspec.Struct, frozen=True):
    """What a row must be like: a regular expression, its opposite, labels, or loose letters."""

    text: str = ""
    """As it was typed, without the slash."""
    test: Test | None = None

    @classmethod
    def parse(cls, text: str) -> "Filter":
        """Read one of the four forms: `REGEX`, `!REGEX`, `-l SELECTOR`, `-f LETTERS`.

        Raises:
            ConfigError: the expression or the selector cannot be read.

        """
        text = text.strip()
        if not text:
            return cls()
        if text.startswith("-l"):
            return cls(text, labels_test(text[2:]))
        if text.startswith("-f"):
            return cls(text, _fuzzy_test(text[2:].strip()))
        return cls(text, _regex_test(text.removeprefix("!").strip(), inverse=text[0] == "!"))

    def matches(self, text: str, labels: dict[str, str]) -> bool:
        """Tell whether a row of this text and these labels is to be shown."""
        return self.test is None or self.test(text, labels)

    def __bool__(self) -> bool:
        return self.test is not None


def _regex_test(expression: str, *, inverse: bool) -> Test:
    try:
        pattern = re.compile(expression, re.IGNORECASE)
    except re.error as error:
        raise ConfigError(
            f"the filter /{expression} is not a regular expression: {error}",
            remedy="escape special characters with a backslash, or use /-f for loose letters",
        ) from error
    return lambda text, _: (pattern.search(text) is None) is inverse


def _fuzzy_test(letters: str) -> Test:
    # Within one word: over a whole row a few letters would match nearly everything.
    pattern = re.compile(r"\S*?".join(map(re.escape, letters)), re.IGNORECASE)
    return lambda text, _: pattern.search(text) is not None


def labels_test(selector: str) -> Test:
    """Read a label selector as kubectl does: a=b, a!=b, a in (b,c), a notin (b), a, !a.

    Raises:
        ConfigError: a requirement cannot be read.

    """
    parts = re.split(r",(?![^()]*\))", selector)
    tests = [_requirement(part) for part in parts if part.strip()]
    if not tests:
        raise ConfigError("the label selector is empty", remedy="as in tier=premium,ring!=0")
    return lambda text, labels: all(test(text, labels) for test in tests)


def _requirement(text: str) -> Test:
    found = _REQUIREMENT.match(text)
    if found is None:
        raise ConfigError(
            f"cannot read the label selector {text.strip()!r}",
            remedy="a=b, a!=b, 'a in (b,c)', 'a notin (b)', a or !a",
        )
    if found["set"]:
        name, wanted = found["set"], {value.strip() for value in found["values"].split(",")}
        inside = found["verb"] == "in"
        return lambda _, labels: (labels.get(name) in wanted) is inside
    if found["equal"]:
        name, value, differs = found["equal"], found["value"], found["sign"] == "!="
        return lambda _, labels: (labels.get(name) != value) is differs
    name, absent = found["present"], bool(found["absent"])
    return lambda _, labels: (name not in labels) is absent


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What a command line asks to see."""

    kind: str
    clusters: tuple[str, ...] = ()
    """Globs on alias or context; none means all in scope."""
    labels: dict[str, str] = {}
    """Wanted values, globs; a name without prefix also means ai-shifu.io/NAME."""
    filter: Filter = Filter()
    namespace: str = ""

    def accepts(self, record: Record) -> bool:
        """Tell whether a record has the labels and is in the namespace."""
        if self.namespace and namespace_of(record.key) != self.namespace:
            return False
        return all(_has(record.labels, name, value) for name, value in self.labels.items())


def namespace_of(key: Key) -> str:
    """Return the namespace a record is in; a namespace is in itself."""
    return key.name if key.kind == "namespace" else key.namespace


def _has(labels: dict[str, str], name: str, wanted: str) -> bool:
    found = labels.get(name, labels.get(f"{_TENANT_PREFIX}{name}"))
    return found is not None and fnmatchcase(found, wanted)


def parse(line: str) -> Query:
    """Read a command line.

    Raises:
        ConfigError: the kind is not known, or a word cannot be read; names the nearest.

    """
    words, _, expression = _split(line.strip().removeprefix(":"))
    if not words:
        raise ConfigError("which kind?", remedy=f"one of {', '.join(views())}")
    kind = view_named(words[0]).kind
    return scoped(kind, words[1:], expression)


def scoped(kind: str, words: Iterable[str], expression: str = "") -> Query:
    """Read the words after a kind.

    Raises:
        ConfigError: a word is none of namespace, @scope, label=value.

    """
    clusters: list[str] = []
    labels: dict[str, str] = {}
    namespace = ""
    for word in words:
        label = _LABEL.match(word)
        if word.startswith("@") and len(word) > 1:
            clusters.append(word[1:])
        elif label is not None:
            labels[label["name"]] = label["value"]
        elif not namespace and re.fullmatch(r"[a-z0-9][a-z0-9.-]*", word):
            namespace = word
        else:
            raise ConfigError(
                f"cannot read {word!r}",
                remedy="KIND [NAMESPACE] [@SCOPE] [LABEL=VALUE] [/FILTER]",
            )
    return Query(
        kind=kind,
        clusters=tuple(clusters),
        labels=labels,
        filter=Filter.parse(expression),
        namespace=namespace,
    )


def _split(line: str) -> tuple[list[str], bool, str]:
    """Separate words from the filter: all after the first word that starts with a slash."""
    before, slash, after = f" {line}".partition(" /")
    return before.split(), bool(slash), after


def complete(line: str, look: Snapshot) -> list[str]:
    """Return whole lines that the typed one could become, best first."""
    words, filtering, _ = _split(line)
    if filtering:
        return []
    open_word = "" if line.endswith(" ") or not words else words.pop()
    if not words:
        return [word for word in _kinds() if word.startswith(open_word.lower())]
    kind = aliases().get(words[0].lower())
    if kind is None:
        return []
    start = " ".join(words)
    found = _next_words(kind, words[1:], look)
    return [f"{start} {word}" for word in found if word.startswith(open_word) and word != open_word]


def _kinds() -> list[str]:
    """Return what a kind is called: plural first, then every other name."""
    plain = [view.aliases[0] if view.aliases else view.kind for view in views().values()]
    return [*plain, *sorted(set(aliases()) - set(plain))]


def _next_words(kind: str, before: list[str], look: Snapshot) -> list[str]:
    clusters = sorted({source.cluster for source in look.sources()})
    scopes = [f"@{cluster}" for cluster in clusters]
    namespaces: set[str] = set()
    labels: set[str] = set()
    for record in view_named(kind).records(look):
        if view_named(kind).namespaced:
            namespaces.add(record.key.namespace)
        labels.update(
            f"{name.removeprefix(_TENANT_PREFIX)}={value}"
            for name, value in record.labels.items()
            if name.startswith(_TENANT_PREFIX) or "/" not in name
        )
        if len(labels) > _MANY:
            break
    if any(not word.startswith("@") and "=" not in word for word in before):
        namespaces = set()
    found = [*scopes, *sorted(labels), *sorted(namespaces)]
    return [word for word in found if word not in before]


_MANY = 500
