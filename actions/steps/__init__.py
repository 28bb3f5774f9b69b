"""One file per step type; a module here with a StepSpec is a word for `uses`."""

import importlib
import pkgutil

from actions.steps.base import StepSpec


def _found() -> dict[str, type[StepSpec]]:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return {spec.NAME: spec for spec in StepSpec.__subclasses__()}


STEP_TYPES = _found()
"""Every step type by the word a manifest uses."""
