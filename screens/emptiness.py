"""What a table does not show, and why: said in words, never left to guessing."""

from collections.abc import Collection
from typing import Any

from console.store import Freshness, Snapshot, SourceState
from console.view import View


def why_empty(
    view: View[Any],
    look: Snapshot,
    clusters: Collection[str],
    *,
    hidden: int,
    filter_words: str,
) -> list[str]:
    """Say why there are no rows, and what to do about it."""
    if not clusters:
        return ["reading the configuration"]
    lines = _waiting(view, look, clusters)
    if hidden:
        first = f"none of {hidden} {view.title.lower()} match {filter_words}"
        return [f"{first}; escape clears it", *lines]
    if lines:
        return lines
    where = next(iter(clusters)) if len(clusters) == 1 else f"any of {len(clusters)} clusters"
    return [f"no {view.title.lower()} in {where}"]


def left_out(view: View[Any], look: Snapshot, clusters: Collection[str]) -> str:
    """Name the clusters that the rows do not speak for, or not any more; empty when all do."""
    kinds = view.watched[:1]
    silent = [alias for alias in clusters for kind in kinds if not _speaks(look, alias, kind)]
    if not silent:
        return ""
    more = f" and {len(silent) - 3} more" if len(silent) > 3 else ""
    heard = len(clusters) - len(silent)
    return f"{heard} of {len(clusters)} clusters: without {', '.join(silent[:3])}{more}"


def _speaks(look: Snapshot, alias: str, kind: str) -> bool:
    source = look.source(alias, kind)
    if source is None:
        return False
    if source.state is SourceState.ABSENT:
        return True  # it has none of them
    return source.complete_at is not None and look.freshness(alias, kind) is Freshness.FRESH


def _waiting(view: View[Any], look: Snapshot, clusters: Collection[str]) -> list[str]:
    kinds = view.watched[:1]
    waiting: list[str] = []
    lines: list[str] = []
    for alias in clusters:
        for kind in kinds:
            source = look.source(alias, kind)
            if source is None or (source.complete_at is None and not source.error):
                waiting.append(alias)
            elif source.state is SourceState.FORBIDDEN:
                lines.append(f"{alias}: forbidden to list {kind}s{_tail(source.error)}")
            elif source.state is SourceState.ABSENT:
                lines.append(f"{alias}: does not serve {kind}s")
            elif source.error:
                lines.append(f"{alias}: {source.error}")
    if waiting:
        lines.insert(0, f"waiting for {len(waiting)} of {len(clusters)}: {', '.join(waiting)}")
    return lines


def _tail(error: str) -> str:
    return f" ({error})" if error else ""
