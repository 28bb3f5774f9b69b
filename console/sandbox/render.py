"""Fill a tenant's templates: typed values into the scalars of parsed YAML."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from console.sandbox.objects import Obj

Values = Mapping[str, Any]
TEMPLATES = Path(__file__).parents[2] / "manifests" / "tenant"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_VARIABLE = re.compile(r"\$(\$)?\{([A-Z][A-Z0-9_]*)\}")


class Templates:
    """The bundled templates, parsed once."""

    def __init__(self, folder: Path = TEMPLATES) -> None:
        self._profiles = _documents(folder / "profiles.yaml")[0]
        self._files = {
            path.name: _documents(path)
            for path in sorted(folder.glob("*.yaml"))
            if path.name != "profiles.yaml"
        }

    def sizes(self, tier: str) -> dict[str, Any]:
        """Give a tier's values."""
        return dict(self._profiles["tiers"][tier]["values"])

    def tenant(self, tier: str, isolation: str, values: Values) -> list[Obj]:
        """Render every object of a tenant, in the order of the files."""
        if isolation not in self._profiles["tiers"][tier]["isolations"]:
            raise ValueError(f"tier {tier} does not come with isolation {isolation}")
        filled = {**self.sizes(tier), **values}
        return [
            fill(document, filled)
            for name in self._profiles["isolations"][isolation]
            for document in self._files[name]
        ]


def _documents(path: Path) -> list[Obj]:
    return list(yaml.load_all(path.read_text(), _LOADER))


def fill(node: Any, values: Values) -> Any:
    """Replace variables in scalars: a whole scalar takes the value's type; KeyError if unknown."""
    if isinstance(node, dict):
        return {key: fill(one, values) for key, one in node.items()}
    if isinstance(node, list):
        return [fill(one, values) for one in node]
    if not isinstance(node, str):
        return node
    whole = _VARIABLE.fullmatch(node)
    if whole and not whole[1]:
        return values[whole[2]]
    return _VARIABLE.sub(
        lambda found: f"${{{found[2]}}}" if found[1] else str(values[found[2]]), node
    )


def variables(node: Any) -> Iterable[str]:
    """List the variables a template uses."""
    if isinstance(node, dict | list):
        for one in node.values() if isinstance(node, dict) else node:
            yield from variables(one)
    elif isinstance(node, str):
        yield from (found[2] for found in _VARIABLE.finditer(node) if not found[1])
