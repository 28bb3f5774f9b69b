"""One file per check; a module here with a Check is a word for `check`."""

import importlib
import pkgutil

from actions.checks.base import Check


def _found() -> dict[str, type[Check]]:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return {check.NAME: check for check in Check.__subclasses__()}


CHECKS = _found()
"""Every check by the word a manifest uses."""
