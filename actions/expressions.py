"""`${{ }}` in manifests: CEL over the names of a plan.

Names are checked without CEL, which takes a third of a second to import and is needed only when
an action is planned.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any

from console.errors import ManifestError

_HOLE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_NAME = re.compile(r"(?<![\w.])([A-Za-z_]\w*)((?:\s*\.\s*[A-Za-z_]\w*)*)(\s*\()?")
_BOUND = re.compile(r"\.\s*(?:map|filter|all|exists|exists_one)\s*\(\s*([A-Za-z_]\w*)\s*,")
_WORDS = frozenset({"true", "false", "null", "in"})
# `let` is reserved in CEL; the name a manifest uses is carried under another one.
_LET = re.compile(r"(?<![\w.])let(?=\s*\.)")
_LET_NAME = "let_"


def expressions(value: Any) -> Iterator[str]:
    """Yield every expression inside a value, at any depth."""
    if isinstance(value, str):
        yield from (match.strip() for match in _HOLE.findall(value))
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from expressions(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from expressions(part)


def names(expression: str) -> Iterator[tuple[str, ...]]:
    """Yield the dotted names an expression reads, split at the dots."""
    bare = _TEXT.sub("''", expression)
    bound = set(_BOUND.findall(bare))
    for match in _NAME.finditer(bare):
        root, rest, call = match.groups()
        parts = tuple(part.strip() for part in rest.split(".")[1:])
        if call:
            if not parts:
                continue
            parts = parts[:-1]
        if root not in _WORDS and root not in bound:
            yield (root, *parts)


def unresolved(expression: str, known: Mapping[str, Collection[str] | None]) -> str | None:
    """Return the first name that does not resolve; None in `known` admits any field."""
    for root, *parts in names(expression):
        if root not in known:
            return root
        fields = known[root]
        if fields is not None and parts and parts[0] not in fields:
            return f"{root}.{parts[0]}"
    return None


def evaluate(expression: str, scope: Mapping[str, Any]) -> Any:
    """Evaluate one expression.

    Raises:
        ManifestError: it is not CEL, or a value it reads is missing or of the wrong type.

    """
    program = compiled(expression)
    variables = {_LET_NAME if name == "let" else name: value for name, value in scope.items()}
    try:
        return program.execute(variables)
    except (ValueError, TypeError, KeyError, RuntimeError, ArithmeticError) as failure:
        reason = str(failure).splitlines()[0]
        message = f"${{{{ {expression} }}}} cannot be evaluated: {reason}"
        raise ManifestError(message) from failure


def fill(value: Any, scope: Mapping[str, Any]) -> Any:
    """Replace every `${{ }}`; a text that is exactly one keeps the type of its value."""
    if isinstance(value, str):
        whole = _HOLE.fullmatch(value.strip())
        if whole:
            return evaluate(whole[1].strip(), scope)
        return _HOLE.sub(lambda hole: _text(evaluate(hole[1].strip(), scope)), value)
    if isinstance(value, Mapping):
        return {name: fill(part, scope) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill(part, scope) for part in value]
    return value


def sole_name(value: Any) -> tuple[str, ...] | None:
    """Return the dotted name when a value is exactly one `${{ name }}`."""
    whole = _HOLE.fullmatch(value.strip()) if isinstance(value, str) else None
    found = list(names(whole[1])) if whole else []
    return (
        found[0] if len(found) == 1 and whole and ".".join(found[0]) == whole[1].strip() else None
    )


@cache
def compiled(expression: str) -> Any:
    """Compile one expression.

    Raises:
        ManifestError: it is not CEL.

    """
    import cel

    bare = _TEXT.sub(lambda text: "\0" * len(text[0]), expression)
    for place in reversed([match.start() for match in _LET.finditer(bare)]):
        expression = f"{expression[:place]}{_LET_NAME}{expression[place + 3 :]}"
    try:
        return cel.compile(expression)
    except ValueError as failure:
        reason = " ".join(str(failure).split("ERROR:")[-1].split())
        raise ManifestError(f"{expression!r} is not CEL: {reason}") from failure


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
