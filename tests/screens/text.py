"""What a screen shows, as lines of text: the one place that reads Textual's rendered strips."""

from typing import Any

from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.app import App


def rendered(app: App[Any]) -> str:
    """Return the lines on the screen, without the blanks at their ends."""
    strips = app.screen._compositor.render_strips()
    lines = ("".join(segment.text for segment in strip).rstrip() for strip in strips)
    return "\n".join(lines) + "\n"


class TextSnapshot(SingleFileSnapshotExtension):
    """One .txt file a snapshot, to be read in review."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"
