"""Makes the README's picture: the console on an embedded fleet, drawn without a terminal."""

import asyncio
import os
import re
import tempfile
from pathlib import Path

from tests.stories.fleet import ROOT, EmbeddedFleet, embedded_fleet
from tests.stories.screen import at_the_console

PICTURE = ROOT / ".ci" / "screenshot.svg"
SIZE = (120, 30)
_FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}")


async def draw(fleet: EmbeddedFleet) -> str:
    """Open the autoscalers, the worst first, and return the screen as SVG."""
    async with at_the_console(fleet.session(), SIZE) as person:
        await person.waits_for("usw2")
        await person.commands("hpa")
        await person.waits_for("PINNED MAX")
        svg = person.app.export_screenshot(title="shifu-console")
    # The exporter points at a font on the net; a picture in a repository asks nobody.
    return _FONT_FACE.sub("", svg)


def main() -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as folder, embedded_fleet(Path(folder)) as fleet:
        os.environ["XDG_STATE_HOME"] = str(fleet.state)
        picture = asyncio.run(draw(fleet))
    PICTURE.write_text(picture, encoding="utf-8")
    print(f"{PICTURE.relative_to(ROOT)}: {len(picture) // 1024} KiB")


if __name__ == "__main__":
    main()
