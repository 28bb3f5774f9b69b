"""Finding and building servers: what is missing is named, with what to do about it."""

import shutil
from pathlib import Path

import pytest

from tests.real import servers
from tests.real.servers import KUBERNETES, KWOK, MissingServerError


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lend a cache folder that holds nothing yet."""
    monkeypatch.setenv("SHIFU_SERVERS", str(tmp_path))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return tmp_path


def test_missing_program_is_named_with_its_version_and_the_remedy(empty_cache: Path) -> None:
    with pytest.raises(MissingServerError) as caught:
        KWOK.program("kwok")
    assert str(caught.value).startswith(f"kwok {KWOK.version}: no {empty_cache}")
    assert str(caught.value).endswith("make servers")


def test_first_missing_server_is_reported(empty_cache: Path) -> None:
    missing = servers.missing()
    assert missing is not None
    assert missing.server == f"kube-apiserver {KUBERNETES.version}"


def test_kubebuilder_assets_come_before_the_cache(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = empty_cache / "assets"
    assets.mkdir()
    (assets / "etcd").touch()
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    assert KUBERNETES.program("etcd") == assets / "etcd"
    with pytest.raises(MissingServerError):
        KUBERNETES.program("kube-scheduler")


def test_build_without_go_says_what_to_install(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(empty_cache))
    assert servers.main(["build"]) == 1
    assert "cannot be built without Go; install Go 1." in capsys.readouterr().err


def test_build_that_fails_leaves_no_half_built_server(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    programs = empty_cache / "bin"
    programs.mkdir()
    (programs / "go").write_text("#!/bin/sh\necho out of disk >&2\nexit 1\n")
    (programs / "go").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    assert servers.main(["build"]) == 1
    assert "go build failed: out of disk" in capsys.readouterr().err
    assert not KUBERNETES.folder.exists()


def test_build_does_and_says_nothing_when_all_is_there(
    empty_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for source in servers.SOURCES:
        source.folder.mkdir()
    assert servers.main(["build"]) == 0
    assert capsys.readouterr() == ("", "")


def test_where_lists_every_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert servers.main(["where"]) == 0
    named = {line.split("\t")[0] for line in capsys.readouterr().out.splitlines()}
    assert named == {program for source in servers.SOURCES for program in source.programs}


@pytest.mark.skipif(shutil.which("go") is None, reason="needs Go")
def test_every_module_pins_the_version_it_is_filed_under() -> None:
    for source in servers.SOURCES:
        listed = servers._go(source, "list", "-m", "-mod=mod", source.module)
        assert listed.split() == [source.module, source.version]
