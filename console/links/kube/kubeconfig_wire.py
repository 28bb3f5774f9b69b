"""A kubeconfig file as it is written; what is not named here is ignored, as kubectl does."""

import base64
import binascii
from pathlib import Path
from typing import Any

import msgspec

from console.errors import ConfigError
from console.yaml_file import YamlFile


class KebabOptions(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """Base of sections whose keys are written-like-this."""


class Extension(KebabOptions, frozen=True, kw_only=True):
    """A named addition that other programs understand."""

    name: str = ""
    extension: Any = None


class ClusterOptions(KebabOptions, frozen=True, kw_only=True):
    """How to reach an API server."""

    server: str | None = ""
    certificate_authority: str | None = ""
    certificate_authority_data: str | None = ""
    insecure_skip_tls_verify: bool | None = False
    tls_server_name: str | None = ""
    proxy_url: str | None = ""
    disable_compression: bool | None = False
    extensions: list[Extension] | None = None


class ContextOptions(KebabOptions, frozen=True, kw_only=True):
    """A cluster, a user and a namespace, by their names."""

    cluster: str | None = ""
    user: str | None = ""
    namespace: str | None = ""


class Variable(msgspec.Struct, frozen=True):
    """One environment variable of a plugin."""

    name: str
    value: str = ""


class ExecOptions(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The program that gives credentials."""

    api_version: str | None = ""
    command: str | None = ""
    args: list[str] | None = None
    env: list[Variable] | None = None
    install_hint: str | None = ""
    provide_cluster_info: bool | None = False


class UserOptions(KebabOptions, frozen=True, kw_only=True):
    """Everything that can prove who somebody is."""

    token: str | None = ""
    token_file: str | None = msgspec.field(default="", name="tokenFile")
    username: str | None = ""
    password: str | None = ""
    client_certificate: str | None = ""
    client_certificate_data: str | None = ""
    client_key: str | None = ""
    client_key_data: str | None = ""
    exec: ExecOptions | None = None
    auth_provider: Any = None
    impersonate: Any = msgspec.field(default=None, name="as")
    impersonate_uid: Any = msgspec.field(default=None, name="as-uid")
    impersonate_groups: Any = msgspec.field(default=None, name="as-groups")
    impersonate_extra: Any = msgspec.field(default=None, name="as-user-extra")


class NamedCluster(msgspec.Struct, frozen=True):
    """An entry of `clusters`."""

    name: str
    cluster: ClusterOptions | None = None


class NamedContext(msgspec.Struct, frozen=True):
    """An entry of `contexts`."""

    name: str
    context: ContextOptions | None = None


class NamedUser(msgspec.Struct, frozen=True):
    """An entry of `users`."""

    name: str
    user: UserOptions | None = None


class ConfigFile(msgspec.Struct, frozen=True):
    """The sections that matter here."""

    clusters: list[NamedCluster] | None = None
    contexts: list[NamedContext] | None = None
    users: list[NamedUser] | None = None


class Placed(msgspec.Struct, frozen=True):
    """An entry with the place it came from, for messages and relative paths."""

    entry: Any
    file: YamlFile
    line: int | None

    @property
    def place(self) -> str:
        return f"{self.file.path}:{self.line}" if self.line else self.file.path

    def beside(self, path: str | None) -> str:
        """Resolve a path as kubectl does: relative to the file that names it."""
        return str(Path(self.file.path).absolute().parent / path) if path else ""

    def refusal(self, message: str) -> ConfigError:
        """Make an error that stands where the entry does."""
        return ConfigError(message, path=self.file.path, line=self.line)

    def data(self, about: str, field: str, text: str | None) -> bytes:
        """Decode a value that is written in base64."""
        try:
            return base64.b64decode("".join((text or "").split()), validate=True)
        except (binascii.Error, ValueError) as failure:
            raise self.refusal(f"{field} of {about} is not base64") from failure
