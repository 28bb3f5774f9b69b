"""Every key of our own: one place for key, words, tooltip and the id a user's keymap names.

Lower-case letters never write: every write goes through `a`, `r` or `:run`.
"""

from textual.binding import Binding, BindingType


def key(
    keys: str, action: str, title: str, name: str, tooltip: str = "", *, show: bool = False
) -> Binding:
    """Declare a binding; `name` is its id."""
    return Binding(keys, action, title, id=name, tooltip=tooltip or title, show=show)


APP: list[BindingType] = [
    Binding(
        "ctrl+q",
        "quit",
        "Quit",
        id="app.quit",
        tooltip="Leave the console",
        show=False,
        priority=True,
    ),
    key("ctrl+c", "help_quit", "Quit (twice)", "app.interrupt", "Press twice within 2 s to quit"),
]

FRAME: list[BindingType] = [
    key("question_mark", "help", "Help", "frame.help", "Every key of this view", show=True),
    key("colon", "command", "Command", "frame.command", "Go to a kind, run an action", show=True),
    key("escape", "retreat", "Back", "frame.retreat", "Clear filter, then marks, then go back"),
    key("q", "back", "Back", "frame.back", "Go back one view; :q quits"),
    key("left_square_bracket", "back", "Back", "frame.history-back", "The view before"),
    key("right_square_bracket", "forward", "Forward", "frame.history-forward", "The view after"),
    key("minus", "last", "Last view", "frame.last", "The view looked at before this one"),
    key("ctrl+r", "relist", "Relist", "frame.relist", "Ask every cluster again, now"),
    key("ctrl+e", "toggle_header", "Header", "frame.header", "Show or hide the header"),
    key("ctrl+a", "aliases", "Kinds and actions", "frame.aliases", "Every name ':' understands"),
    key("H", "home", "Fleet", "frame.home", "The fleet by region"),
    *(
        key(
            str(number),
            f"scope({number})",
            f"Scope {number}",
            f"frame.scope-{number}",
            "Every cluster" if number == 0 else f"Only cluster {number} of the fleet",
        )
        for number in range(10)
    ),
]

MOVES: list[BindingType] = [
    key("down,j", "move(1)", "Down", "table.down"),
    key("up,k", "move(-1)", "Up", "table.up"),
    key("pagedown,ctrl+d", "page(1)", "Page down", "table.page-down"),
    key("pageup,ctrl+u", "page(-1)", "Page up", "table.page-up"),
    key("home,g", "top", "First row", "table.top"),
    key("end,G", "bottom", "Last row", "table.bottom"),
    key(
        "shift+left,left",
        "choose(-1)",
        "Column left",
        "table.column-left",
        "Choose the column that shift-o sorts by",
    ),
    key(
        "shift+right,right",
        "choose(1)",
        "Column right",
        "table.column-right",
        "Choose the column that shift-o sorts by",
    ),
    key("space", "mark", "Mark", "table.mark", "Mark the row for an action"),
    key(
        "ctrl+@,ctrl+space",
        "mark_range",
        "Mark range",
        "table.mark-range",
        "Mark from the last mark to here",
    ),
    key("ctrl+backslash", "unmark", "Clear marks", "table.unmark"),
    key("enter", "open", "Open", "table.open", "Look into the row", show=True),
]

TABLE: list[BindingType] = [
    key(
        "slash",
        "filter",
        "Filter",
        "table.filter",
        "regex, !regex, -l label=value, -f fuzzy",
        show=True,
    ),
    key(
        "ctrl+z",
        "only_faults",
        "Faults",
        "table.only-faults",
        "Only what is wrong, or all",
        show=True,
    ),
    key("a", "act", "Action", "table.act", "Choose an action for the row or the marks", show=True),
    key("r", "act", "Run action", "table.run-action", "Choose an action for the row or the marks"),
    key("d", "detail", "Describe", "table.describe", "Everything known about the row", show=True),
    key("y", "yaml", "YAML", "table.yaml", "The whole object as the cluster has it"),
    key("c", "copy(False)", "Copy name", "table.copy-name"),
    key("C", "copy(True)", "Copy path", "table.copy-path", "Copy cluster/namespace/name"),
    key("n", "copy_namespace", "Copy namespace", "table.copy-namespace"),
    key("w", "why", "Why", "table.why", "The last error of the row's cluster, verbatim"),
    key("ctrl+w", "wide", "Wide", "table.wide", "More columns, or fewer"),
    key("ctrl+s", "save", "Save", "table.save", "Save the rows as CSV or JSON"),
    key(
        "O",
        "sort_chosen",
        "Sort by column",
        "table.sort-chosen",
        "Sort by the chosen column; again: the other way",
    ),
    key("N", "sort('name')", "Sort: name", "table.sort-name"),
    key("A", "sort('age')", "Sort: age", "table.sort-age"),
    key("S", "sort('state')", "Sort: state", "table.sort-state", "The worst first"),
    key("P", "sort('namespace')", "Sort: namespace", "table.sort-namespace"),
    key("R", "sort('region')", "Sort: region", "table.sort-region"),
    key("T", "sort('tenant')", "Sort: tenant", "table.sort-tenant"),
]

SHEET: list[BindingType] = [
    key("down,j", "move(1)", "Down", "sheet.down"),
    key("up,k", "move(-1)", "Up", "sheet.up"),
    key("pagedown,ctrl+d", "page(1)", "Page down", "sheet.page-down"),
    key("pageup,ctrl+u", "page(-1)", "Page up", "sheet.page-up"),
    key("home,g", "top", "First line", "sheet.top"),
    key("end,G", "bottom", "Last line", "sheet.bottom"),
    key("enter", "open", "Open", "sheet.open", "Open what the line names"),
]

DETAIL: list[BindingType] = [
    key("y", "yaml", "YAML", "detail.yaml", "The whole object as the cluster has it", show=True),
    key("a", "act", "Action", "detail.act", "Choose an action for this", show=True),
    key("r", "act", "Run action", "detail.run-action", "Choose an action for this"),
    key("c", "copy(False)", "Copy name", "detail.copy-name"),
    key("C", "copy(True)", "Copy path", "detail.copy-path", "Copy cluster/namespace/name"),
    key("w", "why", "Why", "detail.why", "The last error of its cluster, verbatim"),
]

YAML: list[BindingType] = [
    key(
        "m",
        "toggle_managed",
        "Managed fields",
        "yaml.managed",
        "Show or hide metadata.managedFields",
        show=True,
    ),
    key("slash", "find", "Find", "yaml.find", "Find text; n goes on", show=True),
    key("n", "find_next", "Next", "yaml.next", "The next line with the text"),
    key("c", "copy", "Copy", "yaml.copy", "Copy the whole text"),
]
