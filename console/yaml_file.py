"""YAML that remembers its lines: decoded strictly, and refused with file, line and nearest word."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml
from msgspec import inspect

from console.errors import PlacedError

T = TypeVar("T")

_PATH = re.compile(r"(.*?) - at `(?:key in )?\$(.*)`$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_TYPES = re.compile(r"[Ee]xpected `(.+)`, got `(.+)`")
_NESTING_LIMIT = 100


class _Loader(yaml.CSafeLoader):
    """Reads scalars as JSON would: a time stays the text that was written."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


class YamlFile:
    """One YAML document with the places of its values.

    `error` is the kind of PlacedError that everything wrong with the file is told as.
    """

    def __init__(self, text: str, *, path: str, error: type[PlacedError]) -> None:
        self.path = path
        self._error = error
        self._root, self.value = self._parse(text)

    @classmethod
    def read(cls, path: Path, *, error: type[PlacedError]) -> "YamlFile":
        """Read and parse a file.

        Raises:
            PlacedError: `error`, when it cannot be read or is not YAML.

        """
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as failure:
            line = failure.object.count(b"\n", 0, failure.start) + 1
            raise error("is not UTF-8 text", path=str(path), line=line) from failure
        except OSError as failure:
            reason = failure.strerror or "cannot be read"
            raise error(f"cannot be read: {reason}", path=str(path)) from failure
        return cls(text, path=str(path), error=error)

    def decode(self, shape: type[T]) -> T:
        """Convert the document to structs; the first thing wrong is refused with its line."""
        try:
            return msgspec.convert(self.value, shape, strict=True)
        except msgspec.ValidationError as failure:
            raise self._explain(str(failure), shape) from failure
        except RecursionError as failure:
            raise self.refusal("is nested too deeply") from failure

    def refuse_duplicates(self) -> None:
        """Refuse a mapping that has a key twice: YAML would silently keep the last."""
        waiting = [self._root] if self._root else []
        while waiting:
            node = waiting.pop()
            waiting += _parts(node)
            seen: set[str] = set()
            for name, _ in node.value if isinstance(node, yaml.MappingNode) else ():
                if name.value in seen:
                    line = name.start_mark.line + 1
                    raise self._error(
                        f"key {name.value!r} is given twice", path=self.path, line=line
                    )
                seen.add(name.value)

    def refusal(
        self, message: str, *steps: str | int, key: bool = False, remedy: str = ""
    ) -> PlacedError:
        """Make an error that stands at the value (or its key) that `steps` lead to."""
        return self._error(message, path=self.path, line=self.line(*steps, key=key), remedy=remedy)

    def line(self, *steps: str | int, key: bool = False) -> int | None:
        """Return the line of a value, or of its key; the nearest one above when it is absent."""
        node = self._root
        line = None if node is None else node.start_mark.line + 1
        for position, step in enumerate(steps):
            found = _child(node, step)
            if found is None:
                return line
            name, node = found
            mark = name if key and position == len(steps) - 1 else node
            line = mark.start_mark.line + 1
        return line

    def _parse(self, text: str) -> tuple[yaml.Node | None, Any]:
        try:
            loader = _Loader(text)
            try:
                root = loader.get_single_node()
                if root is None:
                    return None, None
                if _nesting(root) > _NESTING_LIMIT:
                    raise self._error("is nested too deeply", path=self.path)
                return root, loader.construct_document(root)
            finally:
                loader.dispose()
        except yaml.MarkedYAMLError as failure:
            mark = failure.problem_mark or failure.context_mark
            # The end of the text counts as a line of its own; an editor has none there.
            line = min(mark.line + 1, len(text.splitlines()) or 1) if mark else None
            message = f"is not YAML: {failure.problem or failure.context}"
            raise self._error(message, path=self.path, line=line) from failure
        except (yaml.YAMLError, ValueError, TypeError) as failure:
            reason = str(failure).splitlines()[0] if str(failure) else "unreadable"
            raise self._error(f"is not YAML: {reason}", path=self.path) from failure
        except RecursionError as failure:
            raise self._error("is nested too deeply", path=self.path) from failure

    def _explain(self, message: str, shape: type[Any]) -> PlacedError:
        match = _PATH.match(message)
        text, place = (match[1], match[2]) if match else (message, "")
        steps = tuple(self._steps(place))
        if unknown := _UNKNOWN.match(text):
            known = _keys(inspect.type_info(shape), steps)
            near = get_close_matches(unknown[1], known, n=1)
            remedy = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            where = f" in {_dotted(steps)}" if steps else ""
            return self.refusal(
                f"unknown key {unknown[1]!r}{where}", *steps, unknown[1], key=True, remedy=remedy
            )
        text = text.removeprefix("Object ")
        text = text[:1].lower() + text[1:]
        remedy = ""
        if types := _TYPES.search(text):
            text = f"expected {_plain(types[1])}, got {_plain(types[2])}"
            remedy = "put it in quotes" if types[1].startswith("str") and "ull" not in text else ""
        return self.refusal(f"{_dotted(steps)}: {text}" if steps else text, *steps, remedy=remedy)

    def _steps(self, place: str) -> Iterator[str | int]:
        """Split msgspec's path; where it says `[...]` (some key), keep what leads there."""
        for name, index in _STEP.findall(place):
            if index == "...":
                return
            yield int(index) if index else name


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        pairs = ((name, value) for name, value in node.value if name.value == str(step))
        return next(pairs, None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def _nesting(root: yaml.Node) -> int:
    """Measure depth, and stop at a loop of aliases by counting it as endless."""
    level, depth = [root], 0
    while level and depth <= _NESTING_LIMIT:
        depth += 1
        parts = {id(part): part for node in level for part in _parts(node)}
        level = list(parts.values())
    return depth


def _parts(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        yield from (value for _, value in node.value if not isinstance(value, yaml.ScalarNode))
    elif isinstance(node, yaml.SequenceNode):
        yield from (value for value in node.value if not isinstance(value, yaml.ScalarNode))


def _keys(shape: inspect.Type, steps: tuple[str | int, ...]) -> list[str]:
    """Return the keys allowed at a place of a type."""
    if isinstance(shape, inspect.UnionType):
        return [name for part in shape.types for name in _keys(part, steps)]
    if isinstance(shape, inspect.StructType):
        fields = {field.encode_name: field.type for field in shape.fields}
        if not steps:
            return list(fields)
        inner = fields.get(str(steps[0]))
        return _keys(inner, steps[1:]) if inner else []
    if steps and isinstance(shape, inspect.DictType):
        return _keys(shape.value_type, steps[1:])
    if steps and isinstance(shape, inspect.CollectionType):
        return _keys(shape.item_type, steps[1:])
    return []


def _dotted(steps: tuple[str | int, ...]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")


_PLAIN = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


def _plain(types: str) -> str:
    """Say JSON types in words."""
    return " or ".join(_PLAIN.get(name, name) for name in types.split(" | "))
