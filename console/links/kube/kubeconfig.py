"""What a kubeconfig says once it is read: contexts, with whom and what they lead to."""

from pathlib import Path
from typing import Any

import msgspec


class ExecPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """A program that prints credentials (client.authentication.k8s.io)."""

    api_version: str
    command: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    install_hint: str = ""
    provide_cluster: bool = False

    def __repr__(self) -> str:
        return f"ExecPlugin({self.command!r})"


class KubeUser(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a context speaks as; its secrets stay out of every repr."""

    name: str
    token: str = ""
    token_file: str = ""
    username: str = ""
    password: str = ""
    certificate_file: str = ""
    certificate: bytes = b""
    key_file: str = ""
    key: bytes = b""
    plugin: ExecPlugin | None = None
    unsupported: tuple[str, ...] = ()
    """Settings that would change who we are and that the console cannot honour."""

    def __repr__(self) -> str:
        return f"KubeUser({self.name!r}, by {self.method})"

    @property
    def method(self) -> str:
        """Name the way of proving who this is."""
        if self.token or self.token_file:
            return "token file" if self.token_file else "token"
        if self.plugin:
            return f"exec {Path(self.plugin.command).name}"
        if self.certificate or self.certificate_file:
            return "client certificate"
        return "password" if self.username else "nothing"


class KubeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One usable context: where to connect to, what to trust, and whom to be."""

    context: str
    cluster: str
    """The name of the kubeconfig's cluster entry."""
    server: str
    user: KubeUser = KubeUser(name="")
    namespace: str = ""
    ca_file: str = ""
    ca: bytes = b""
    insecure: bool = False
    tls_server_name: str = ""
    proxy: str = ""
    proxy_origin: str = ""
    compression: bool = True
    exec_config: Any = None
    """What the cluster entry hands to an exec plugin that asks for it."""
    place: str = ""
    """File and line of the context; the same for its cluster and its user."""
    cluster_place: str = ""
    user_place: str = ""

    def __repr__(self) -> str:
        return f"KubeEntry({self.context!r}, {self.server!r}, {self.user!r})"


class Kubeconfig(msgspec.Struct, frozen=True, kw_only=True):
    """All files together: the usable contexts, and what is wrong with the rest."""

    entries: tuple[KubeEntry, ...]
    problems: tuple[str, ...]
    broken: dict[str, str]
    """Contexts that cannot be used, with the reason."""
    files: tuple[str, ...]
    origin: str
    """What named the files: --kubeconfig, $KUBECONFIG or the default place."""
