"""An action's inputs as form fields: what each says about itself, and all errors at once."""

from collections.abc import Mapping
from typing import Any

from actions.inputs import read_value
from actions.schema import InputSpec, InputType

_EXAMPLES = {
    InputType.DURATION: "such as 90s, 5m or 1h30m",
    InputType.QUANTITY: "such as 250m, 2 or 512Mi",
}


def read_fields(
    specs: Mapping[str, InputSpec], texts: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Type every field; return the values given and the errors, both by name."""
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, spec in specs.items():
        text = texts.get(name, "").strip()
        if not text:
            if spec.required:
                errors[name] = "is required"
            continue
        try:
            values[name] = read_value(spec, text)
        except ValueError as error:
            errors[name] = str(error)
    return values, errors


def hint(spec: InputSpec) -> str:
    """Describe what a field takes in a few words."""
    parts = (spec.help, _limits(spec), _EXAMPLES.get(spec.type, ""))
    return "; ".join(part for part in parts if part)


def _limits(spec: InputSpec) -> str:
    unit = " characters" if spec.type is InputType.STRING else ""
    match spec.min, spec.max:
        case None, None:
            return ""
        case low, None:
            return f"at least {low}{unit}"
        case None, high:
            return f"at most {high}{unit}"
        case low, high:
            return f"{low} to {high}{unit}"
