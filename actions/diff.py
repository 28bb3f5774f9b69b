"""The difference between two states of an object, field by field."""

from collections.abc import Iterator, Mapping
from typing import Any

_NOISE = frozenset(
    {
        "status",
        "metadata.managedFields",
        "metadata.resourceVersion",
        "metadata.generation",
    }
)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield (field, before, after) of every leaf that differs; what the server counts is left out.

    Lists are leaves: a reader wants to see them whole.
    """
    yield from _walk("", before, after)


def _walk(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    if path in _NOISE or before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys((*before, *after)):
            inner = f"{path}.{name}" if path else name
            yield from _walk(inner, before.get(name), after.get(name))
    else:
        yield path, before, after
