"""Where the console keeps its files (XDG)."""

import os
from pathlib import Path

_NAME = "shifu-console"


def _base(variable: str, fallback: str) -> Path:
    value = os.environ.get(variable, "")
    # The XDG specification says a relative path there is to be ignored.
    root = Path(value) if value.startswith("/") else Path.home() / fallback
    return root / _NAME


def config_dir() -> Path:
    """Return the folder of fleet.yaml."""
    return _base("XDG_CONFIG_HOME", ".config")


def data_dir() -> Path:
    """Return the folder of the operator's own actions."""
    return _base("XDG_DATA_HOME", ".local/share")


def state_dir() -> Path:
    """Return the folder of the journal and the log."""
    return _base("XDG_STATE_HOME", ".local/state")


def journal_file() -> Path:
    """Return the journal of runs."""
    return state_dir() / "journal.db"


def cache_dir() -> Path:
    """Return the folder of what can be made again."""
    return _base("XDG_CACHE_HOME", ".cache")
