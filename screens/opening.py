"""Opens fleet, journal and desk after the first paint; nothing heavy loads before."""

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console import paths
from console.cli.session import Session
from console.errors import ConsoleError
from console.store import Store

if TYPE_CHECKING:
    from actions.desk import Desk
    from console.fleet import Fleet


@dataclass(frozen=True)
class Opened:
    """What the screens work with."""

    fleet: "Fleet"
    desk: "Desk | None"
    trouble: str = ""
    """Why there is no desk: without a journal nothing is carried out."""


Opener = Callable[[Session, Store], Awaitable[Opened]]


def _load(session: Session) -> None:
    """Import and read what takes long; runs beside the loop."""
    importlib.import_module("console.fleet")
    importlib.import_module("console.commands")
    importlib.import_module("console.resources").views()
    importlib.import_module("actions.desk")
    session.scope()


async def open_fleet(session: Session, store: Store) -> Opened:
    """Open the fleet of the session's configuration, and a desk on it.

    Raises:
        ConsoleError: the configuration cannot be used.

    """
    await asyncio.to_thread(_load, session)
    fleet = session.new_fleet(store)
    from actions.desk import Desk
    from actions.journal import Journal

    try:
        journal = await asyncio.to_thread(Journal, paths.journal_file(), session.clock)
    except ConsoleError as error:
        return Opened(fleet, None, f"no actions: {error}")
    return Opened(fleet, Desk(fleet, journal, session.clock))
