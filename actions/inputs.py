"""An action's inputs: typed, checked all at once, and refused when they hold a credential."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from actions.schema import InputSpec, InputType
from console.errors import ConfigError
from console.redact import redact
from console.units import parse_quantity

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})
MASK = "•••"


def parse_duration(text: str) -> float:
    """Read 90s, 5m or 1h30m as seconds.

    Raises:
        ValueError: it is none.

    """
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        raise ValueError(f"{text!r} is not a duration such as 90s, 5m or 1h30m")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds).total_seconds()


def wrong_spec(spec: InputSpec) -> str:
    """Say what is wrong with a declaration; nothing when it is right."""
    if (spec.type is InputType.ENUM) != bool(spec.choices):
        return "choices belong to an enum, and an enum needs them"
    if spec.required and spec.default is not None:
        return "a required input has no default"
    if spec.type is InputType.SECRET and spec.default is not None:
        return "a secret has no default"
    try:
        re.compile(spec.pattern)
        for limit in (spec.min, spec.max):
            if limit is not None:
                _measure(spec, limit)
    except (re.error, ValueError) as failure:
        return str(failure)
    return ""


def read_inputs(specs: Mapping[str, InputSpec], given: Mapping[str, Any]) -> dict[str, Any]:
    """Type every input; what was left out takes its default or None.

    Raises:
        ConfigError: some are wrong, missing or unknown; names all of them.

    """
    values: dict[str, Any] = {}
    problems = [f"{name}: no such input" for name in given if name not in specs]
    for name, spec in specs.items():
        value = given.get(name)
        if value is None or value == "":
            if spec.required:
                problems.append(f"{name}: is required")
            values[name] = spec.default
            continue
        try:
            values[name] = read_value(spec, value)
        except ValueError as failure:
            problems.append(f"{name}: {failure}")
    if problems:
        known = ", ".join(specs)
        raise ConfigError("; ".join(problems), remedy=f"inputs: {known}")
    return values


def read_value(spec: InputSpec, value: Any) -> Any:
    """Type one value.

    Raises:
        ValueError: it is not what the declaration asks for.

    """
    typed = _typed(spec, value)
    if spec.pattern and not re.fullmatch(spec.pattern, str(typed)):
        raise ValueError(f"{typed!r} does not match {spec.pattern}")
    if spec.min is not None and _measure(spec, typed) < _measure(spec, spec.min):
        raise ValueError(f"{typed} is below the least, {spec.min}")
    if spec.max is not None and _measure(spec, typed) > _measure(spec, spec.max):
        raise ValueError(f"{typed} is above the most, {spec.max}")
    return typed


def _typed(spec: InputSpec, value: Any) -> Any:
    match spec.type:
        case InputType.INT:
            return _whole(value)
        case InputType.BOOL:
            return _truth(value)
        case InputType.ENUM:
            if value not in spec.choices:
                raise ValueError(f"{value!r} is not one of {', '.join(spec.choices)}")
            return value
        case InputType.DURATION:
            parse_duration(str(value))
            return str(value)
        case InputType.QUANTITY:
            if parse_quantity(str(value)) is None:
                raise ValueError(f"{value!r} is not a quantity such as 500m or 2Gi")
            return str(value)
        case InputType.SECRET:
            return str(value)
        case _:
            text = str(value)
            if redact(text) != text:
                # Plans and runs are written down; a credential must not come with them.
                raise ValueError("looks like it holds a credential; leave it out")
            return text


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d{1,18}", str(value)):
        raise ValueError(f"{value!r} is not a whole number")
    return int(value)


def _truth(value: Any) -> bool:
    word = str(value).lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(f"{value!r} is neither true nor false")
    return word in _TRUE


def _measure(spec: InputSpec, value: Any) -> float:
    """Return what min and max compare: the number, the seconds, or the length of a text."""
    match spec.type:
        case InputType.INT:
            return _whole(value)
        case InputType.DURATION:
            return parse_duration(str(value))
        case InputType.QUANTITY:
            amount = parse_quantity(str(value))
            if amount is None:
                raise ValueError(f"{value!r} is not a quantity")
            return float(amount)
        case _:
            return len(value) if isinstance(value, str) else float(value)
