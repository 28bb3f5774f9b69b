"""What a ':' line does: go to a kind, run an action, or one of a few words of the console."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from console.errors import ConfigError
from screens.frame import FrameScreen
from screens.widgets.rows import Wanted

if TYPE_CHECKING:
    from console.record import Record
    from screens.app import ShifuApp


@dataclass(frozen=True)
class CommandWord:
    """A word of the console itself."""

    usage: str
    title: str
    obey: "Callable[[ShifuApp, str], None]"


def _selection(app: "ShifuApp") -> "list[Record]":
    return app.screen.selection() if isinstance(app.screen, FrameScreen) else []


def _run(app: "ShifuApp", rest: str) -> None:
    name, _, words = rest.partition(" ")
    if not name:
        app.start_action(None, _selection(app))
        return
    targets = _selection(app)
    wanted = dict(word.split("=", 1) for word in words.split() if "=" in word)
    target = wanted.pop("tenant", wanted.pop("target", ""))
    if target:
        targets = _tenants_named(app, target)
    app.start_action(name, targets, wanted)


def _tenants_named(app: "ShifuApp", name: str) -> "list[Record]":
    from console.resources import views

    aliases = app.scope_aliases()
    found = [
        record
        for record in views()["tenant"].records(app.look)
        if record.key.name == name and record.key.cluster in aliases
    ]
    if not found:
        raise ConfigError(f"no tenant in scope is called {name!r}")
    if len(found) > 1:
        places = ", ".join(record.key.cluster for record in found)
        raise ConfigError(f"{name!r} is in {places}", remedy="narrow the scope first")
    return found


def _save(app: "ShifuApp", rest: str) -> None:
    from screens.table import TableScreen

    if not isinstance(app.screen, TableScreen):
        raise ConfigError("only a table can be saved")
    if not rest.endswith((".csv", ".json")):
        raise ConfigError(
            f"{rest or 'nothing'!r} is no file name", remedy="end it in .csv or .json"
        )
    path = Path(rest).expanduser()
    app.notify(f"{app.screen.save(path)} rows saved in {path}")


def _theme(app: "ShifuApp", rest: str) -> None:
    if rest not in app.available_themes:
        raise ConfigError(
            f"no theme is called {rest!r}", remedy="shifu-dark, shifu-light or shifu-cvd"
        )
    app.theme = rest


def _why(app: "ShifuApp", rest: str) -> None:
    chosen = _selection(app)
    fleet = app.fleet
    if rest and fleet is not None:
        app.why(fleet.inventory.named(rest).alias)
    else:
        app.why(chosen[0].key.cluster if chosen else "")


def _scope(app: "ShifuApp", rest: str) -> None:
    if app.fleet is None:
        return
    patterns = tuple(word.removeprefix("@") for word in rest.split())
    app.set_scope(app.fleet.inventory.choose(patterns) if patterns else ())


def _mode(app: "ShifuApp", rest: str) -> None:
    if rest not in ("read", "write"):
        raise ConfigError(f"no mode is called {rest!r}", remedy="read or write")
    app.set_write(rest == "write")


WORDS: dict[str, CommandWord] = {
    "home": CommandWord(":home", "the fleet by region", lambda app, _: app.go_home()),
    "runs": CommandWord(":runs", "what was carried out", lambda app, _: app.show_runs()),
    "run": CommandWord(":run [ACTION]", "carry out an action on the selection", _run),
    "scope": CommandWord(":scope [@CLUSTER]", "look at some clusters only", _scope),
    "why": CommandWord(":why [CLUSTER]", "the last error, verbatim", _why),
    "mode": CommandWord(":mode read|write", "close or open writing", _mode),
    "save": CommandWord(":save FILE", "save the rows as .csv or .json", _save),
    "theme": CommandWord(":theme NAME", "change the colours", _theme),
    "help": CommandWord(":help", "every key", lambda app, _: _frame(app).action_help()),
    "q": CommandWord(":q", "leave the console", lambda app, _: app.exit(0)),
    "quit": CommandWord(":quit", "leave the console", lambda app, _: app.exit(0)),
}


def _frame(app: "ShifuApp") -> FrameScreen:
    assert isinstance(app.screen, FrameScreen)  # noqa: S101  only a frame has the prompt
    return app.screen


def obey(app: "ShifuApp", line: str) -> None:
    """Do what a line says.

    Raises:
        ConsoleError: it cannot be understood or done; says why.

    """
    line = line.strip().removeprefix(":").strip()
    if not line:
        return
    first, _, rest = line.partition(" ")
    word = WORDS.get(first.lower())
    if word is not None:
        word.obey(app, rest.strip())
        return
    open_query(app, line)


def open_query(app: "ShifuApp", line: str) -> None:
    """Open the table that a query names."""
    from console.commands import parse

    query = parse(line)
    clusters: frozenset[str] = frozenset()
    if query.clusters and app.fleet is not None:
        clusters = frozenset(app.fleet.inventory.choose(query.clusters))
    narrowed = bool(query.namespace or query.labels)
    wanted = Wanted(
        clusters=clusters,
        namespace=query.namespace,
        labels=query.labels,
        accepts=query.accepts if narrowed else None,
    )
    app.open_table(query.kind, wanted, query.filter.text)


def completions(app: "ShifuApp", line: str) -> list[str]:
    """Return what a line could become."""
    from console.commands import complete

    first, space, rest = line.partition(" ")
    if not space:
        own = [word for word in WORDS if word.startswith(first)] if first else []
        return [*own, *complete(line, app.look)]
    match first:
        case "run" if app.desk is not None:
            offers = [manifest.name for manifest in app.desk.catalogue()]
        case "theme":
            offers = [name for name in app.available_themes if name.startswith("shifu")]
        case "why" | "scope":
            offers = [cluster.alias for cluster in app.clusters]
        case "mode":
            offers = ["read", "write"]
        case _:
            return [] if first in WORDS else complete(line, app.look)
    return [f"{first} {offer}" for offer in offers if offer.startswith(rest)]
