"""Run the embedded fleet: `python -P -m console.sandbox --serve`."""

import argparse
import asyncio
import gc
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from console.sandbox.control import BadFaultError, Control, Fault, check
from console.sandbox.fleet import Fleet

_PARENT_SECONDS = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal, or until the parent is gone."""
    asked = _arguments(arguments)
    with tempfile.TemporaryDirectory(prefix="shifu-sandbox-") as spare:
        folder = Path(asked.dir or spare).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        try:
            return asyncio.run(_serve(folder, [_fault(text) for text in asked.fault], asked.parent))
        except BadFaultError as error:
            print(f"shifu-sandbox: {error}", file=sys.stderr)  # noqa: T201 - the program's voice
            return 2


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="console.sandbox", description=__doc__)
    parser.add_argument("--serve", action="store_true", required=True, help="run the fleet")
    parser.add_argument("--dir", help="folder for kubeconfig and the like (default: a temporary)")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="NAME[=CONTEXT]", help="start with a fault"
    )
    parser.add_argument("--parent", type=int, default=0, metavar="PID", help="stop when PID ends")
    return parser.parse_args(arguments)


def _fault(text: str) -> Fault:
    name, _, where = text.partition("=")
    return Fault(name, where or None)


async def _serve(folder: Path, faults: list[Fault], parent: int) -> int:
    fleet = Fleet(folder)
    for fault in faults:
        check(fleet, fault)
    control = Control(fleet)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        gc.disable()  # what is planted stays: collecting it costs half the start
        await fleet.open()
        gc.freeze()
        gc.enable()
        await control.open()
        for fault in faults:
            await fleet.add_fault(fault.name, fault.where)
        _announce(fleet, control)
        await _until(stop, fleet, parent)
    finally:
        await control.close()
        await fleet.close()
    return 0


def _announce(fleet: Fleet, control: Control) -> None:
    lines = {
        "KUBECONFIG": fleet.kubeconfig,
        "SHIFU_FLEET": fleet.fleet_file,
        "SHIFU_SANDBOX_CONTROL": control.url,
    }
    for name, value in lines.items():
        print(f"export {name}={value}", flush=True)  # noqa: T201 - what the caller waits for


async def _until(stop: asyncio.Event, fleet: Fleet, parent: int) -> None:
    life = asyncio.ensure_future(fleet.live())
    waits = [asyncio.ensure_future(stop.wait()), life]
    if parent:
        waits.append(asyncio.ensure_future(_gone(parent)))
    done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    for task in done:
        task.result()


async def _gone(parent: int) -> None:
    while _alive(parent):  # noqa: ASYNC110 - another process's end has no event to wait for
        await asyncio.sleep(_PARENT_SECONDS)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    sys.exit(main())
