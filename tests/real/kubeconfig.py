"""Kubeconfig files for people and for the servers themselves."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import yaml


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster as one user sees it, under one context name."""

    context: str
    url: str
    ca_file: Path
    token: str


def write_kubeconfig(file: Path, logins: Sequence[Login]) -> Path:
    """Write a kubeconfig that only its owner can read; its first context is the current one."""
    text = yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [_cluster(login) for login in logins],
            "users": [{"name": i.context, "user": {"token": i.token}} for i in logins],
            "contexts": [
                {"name": i.context, "context": {"cluster": i.context, "user": i.context}}
                for i in logins
            ],
            "current-context": logins[0].context,
        },
        sort_keys=False,
    )
    number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(number, "w") as out:
        out.write(text)
    return file


def _cluster(login: Login) -> dict[str, object]:
    cluster = {"server": login.url, "certificate-authority": str(login.ca_file)}
    return {"name": login.context, "cluster": cluster}
