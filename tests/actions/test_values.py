"""Inputs are typed, expressions keep types, and both refuse what they cannot be sure of."""

from typing import Any

import pytest

from actions.expressions import fill, unresolved
from actions.inputs import parse_duration, read_inputs, read_value
from actions.schema import InputSpec, InputType
from console.errors import ConfigError, ManifestError

SCOPE = {
    "inputs": {"max": 9, "min": None, "name": "acme"},
    "let": {"twice": 18},
    "steps": {"a": {"outputs": {"before": {"max": 6}}}},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${{ inputs.max }}", 9),
        ("  ${{ inputs.max + 1 }} ", 10),
        ("${{ inputs.min }}", None),
        ("${{ let.twice }}", 18),
        ("${{ steps.a.outputs.before }}", {"max": 6}),
        ("${{ inputs.max > 3 }}", True),
        ("t-${{ inputs.name }}-${{ inputs.max }}", "t-acme-9"),
        ("plain", "plain"),
        ("${{ 'let.x' + inputs.name }}", "let.xacme"),
        (["${{ inputs.max }}", {"k": "${{ inputs.name }}"}], [9, {"k": "acme"}]),
    ],
)
def test_a_text_that_is_one_expression_keeps_its_type(text: Any, value: Any) -> None:
    assert fill(text, SCOPE) == value


def test_an_expression_on_a_missing_value_says_which() -> None:
    with pytest.raises(ManifestError, match="nowhere"):
        fill("${{ inputs.nowhere }}", SCOPE)


@pytest.mark.parametrize(
    ("expression", "missing"),
    [
        ("inputs.max > size(inputs.name)", None),
        ("[1, 2].all(x, x < inputs.max)", None),
        ("'other.name' == inputs.name", None),
        ("inputs.name.startsWith('a')", None),
        ("other.max", "other"),
        ("inputs.mix", "inputs.mix"),
        ("true ? inputs.max : nope", "nope"),
    ],
)
def test_names_resolve_without_evaluating(expression: str, missing: str | None) -> None:
    assert unresolved(expression, {"inputs": ["max", "name"]}) == missing


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90.0), ("5m", 300.0), ("1h30m", 5400.0), ("0s", 0.0)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "m5", "5 m", "-5m", "1d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


def test_all_wrong_inputs_are_told_at_once() -> None:
    specs = {
        "max": InputSpec(type=InputType.INT, max=100),
        "reason": InputSpec(type=InputType.STRING, required=True),
        "fast": InputSpec(type=InputType.BOOL),
    }
    with pytest.raises(ConfigError) as caught:
        read_inputs(specs, {"max": "101", "fast": "perhaps", "mix": 1})
    for name in ("max", "reason", "fast", "mix"):
        assert f"{name}: " in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (InputSpec(type=InputType.INT), "1.5"),
        (InputSpec(type=InputType.INT), True),
        (InputSpec(type=InputType.INT), "9" * 30),
        (InputSpec(type=InputType.INT, min=2), 1),
        (InputSpec(type=InputType.ENUM, choices=("a",)), "b"),
        (InputSpec(type=InputType.QUANTITY, max="2Gi"), "3Gi"),
        (InputSpec(type=InputType.DURATION, min="1m"), "59s"),
        (InputSpec(type=InputType.STRING, pattern="[A-Z]+-[0-9]+"), "inc-1"),
        (InputSpec(type=InputType.STRING, max=3), "four"),
        (InputSpec(type=InputType.STRING), "password=hunter22"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(spec: InputSpec, text: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  each says it in its own words
        read_value(spec, text)
