"""One file per kind; a module here with a VIEW is a kind everywhere."""

import importlib
import pkgutil
from difflib import get_close_matches
from functools import cache
from typing import Any

from console.errors import ConfigError
from console.view import View


@cache
def views() -> dict[str, View[Any]]:
    """Return every view by its kind."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = (importlib.import_module(f"{__name__}.{name}") for name in names)
    found = [module.VIEW for module in modules if hasattr(module, "VIEW")]
    return {view.kind: view for view in found}


@cache
def aliases() -> dict[str, str]:
    """Return every name a person may say, with the kind it means."""
    return {name: view.kind for view in views().values() for name in (view.kind, *view.aliases)}


def view_named(name: str) -> View[Any]:
    """Find a view by kind or alias.

    Raises:
        ConfigError: nothing is called so; names the nearest.

    """
    known = aliases()
    kind = known.get(name.lower())
    if kind is None:
        near = get_close_matches(name.lower(), known, n=3)
        hint = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(views())}"
        raise ConfigError(f"no kind is called {name!r}", remedy=hint)
    return views()[kind]
