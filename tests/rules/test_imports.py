"""The house's import rules: the contracts, and what a static graph cannot see."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOREIGN = ("kubernetes", "boto3", "botocore", "asyncssh", "prometheus_api_client", "cel")

GET = """
import json, sys
from console.cli.root import run
run(["--kubeconfig", sys.argv[1], "--request-timeout", "2", "get", "hpa", "-o", "json"])
json.dump(sorted(sys.modules), sys.stderr)
"""
FIRST_PAINT = """
import asyncio, json, sys
from console.cli.session import Session
from screens.app import ShifuApp

async def never(session, store):
    await asyncio.Event().wait()

async def main():
    app = ShifuApp(Session(kubeconfig=sys.argv[1]), opener=never)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        json.dump(sorted(sys.modules), sys.stderr)

asyncio.run(main())
"""
DEAD = """
apiVersion: v1
kind: Config
clusters: [{name: dead, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: nobody, user: {token: t0ken-of-nobody}}]
contexts: [{name: dead, context: {cluster: dead, user: nobody}}]
"""


def roots_loaded(program: str, folder: Path) -> set[str]:
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(DEAD)
    done = subprocess.run(
        [sys.executable, "-c", program, str(kubeconfig)],
        cwd=ROOT,
        env={"PATH": "", "HOME": str(folder), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    last = done.stderr.rstrip().rpartition("\n")[2]
    start = last.find("[")
    assert start >= 0, done.stderr
    return {name.partition(".")[0] for name in json.loads(last[start:])}


def test_every_import_contract_is_kept() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_get_loads_no_screen_and_no_client_that_it_does_not_need(tmp_path: Path) -> None:
    loaded = roots_loaded(GET, tmp_path)
    assert "aiohttp" in loaded, "get did not come as far as asking a cluster"
    assert loaded.isdisjoint({"textual", "rich", "screens", *FOREIGN})


def test_the_first_paint_waits_for_nothing_but_textual(tmp_path: Path) -> None:
    loaded = roots_loaded(FIRST_PAINT, tmp_path)
    assert "textual" in loaded
    assert loaded.isdisjoint({"aiohttp", "sqlite3", *FOREIGN})


@pytest.mark.parametrize("package", ["console", "actions", "screens"])
def test_importing_a_package_does_nothing(package: str, tmp_path: Path) -> None:
    program = f"import json, sys, {package}; json.dump(sorted(sys.modules), sys.stderr)"
    assert roots_loaded(program, tmp_path).isdisjoint({"textual", "aiohttp", *FOREIGN})
