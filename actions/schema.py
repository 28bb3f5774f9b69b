"""What an action manifest may say; the shape alone, without files or meaning."""

from enum import StrEnum
from typing import Any

import msgspec

from actions.model import Level


class Risk(StrEnum):
    """How much an action can hurt."""

    READ = "read"
    CHANGE = "change"
    DISRUPTIVE = "disruptive"
    DATA_LOSS = "data-loss"


class TargetKind(StrEnum):
    """The kinds of record an action can act on."""

    TENANT = "tenant"
    CLUSTER = "cluster"
    NODEGROUP = "nodegroup"
    NODE = "node"
    NAMESPACE = "namespace"
    APPLICATION = "application"
    BACKUP = "backup"


class InputType(StrEnum):
    """The types of an action's inputs."""

    STRING = "string"
    INT = "int"
    BOOL = "bool"
    ENUM = "enum"
    DURATION = "duration"
    QUANTITY = "quantity"
    CLUSTER = "cluster"
    TENANT = "tenant"
    BACKUP = "backup"
    SECRET = "secret"  # noqa: S105  the name of a type


class OnFailure(StrEnum):
    """What follows a step or check that failed."""

    UNDO = "undo"
    PAUSE = "pause"
    CONTINUE = "continue"


class OnCancel(StrEnum):
    """What follows a person's cancel."""

    UNDO = "undo"
    PAUSE = "pause"


class Section(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """Base of every part of a manifest: camelCase keys, unknown ones refused."""


class Metadata(Section, frozen=True, kw_only=True):
    """What the action is called."""

    name: str
    version: int
    title: str
    labels: dict[str, str] = {}


class InputSpec(Section, frozen=True, kw_only=True):
    """One input; the form, the options and the JSON Schema follow from it."""

    type: InputType
    required: bool = False
    default: Any = None
    pattern: str = ""
    """A regular expression the whole text has to match."""
    min: int | float | str | None = None
    max: int | float | str | None = None
    choices: tuple[str, ...] = ()
    help: str = ""


class Approvers(Section, frozen=True, kw_only=True):
    """Who else has to agree."""

    count: int = 1
    not_self: bool = True
    timeout: str = "10m"


class Confirm(Section, frozen=True, kw_only=True):
    """What a person has to type before a run."""

    type: str = ""
    approvers: Approvers | None = None


class Require(Section, frozen=True, kw_only=True):
    """One precondition: a named check, or an expression with its message."""

    check: str = ""
    with_: dict[str, Any] = msgspec.field(name="with", default={})
    expr: str = ""
    message: str = ""
    level: Level = Level.BLOCK
    override: str = ""


class Retry(Section, frozen=True, kw_only=True):
    """When a failed step is tried again."""

    limit: int = 0
    backoff: str = "1s"
    on: tuple[str, ...] = ()
    """What is retried: failed, timeout, throttled, unavailable; the last three when empty."""


class Verify(Section, frozen=True, kw_only=True):
    """A check that must come true within a time, and stay true for another."""

    check: str
    with_: dict[str, Any] = msgspec.field(name="with", default={})
    within: str = "60s"
    hold: str = "0s"
    on_failure: OnFailure = OnFailure.PAUSE


class Undo(Section, frozen=True, kw_only=True):
    """The way back of a step, or why there is none."""

    uses: str = ""
    with_: dict[str, Any] = msgspec.field(name="with", default={})
    none: str = ""
    """The reason why the step cannot be taken back."""


class Step(Section, frozen=True, kw_only=True):
    """One unit of an action."""

    id: str
    uses: str
    title: str = ""
    with_: dict[str, Any] = msgspec.field(name="with", default={})
    if_: str = msgspec.field(name="if", default="")
    timeout: str = "60s"
    retry: Retry = Retry()
    undo: Undo | None = None
    verify: tuple[Verify, ...] = ()
    on_failure: OnFailure = OnFailure.UNDO
    point_of_no_return: bool = False


class Document(Section, frozen=True, kw_only=True):
    """A whole manifest."""

    api_version: str
    kind: str
    metadata: Metadata
    risk: Risk
    target: TargetKind
    inputs: dict[str, InputSpec] = {}
    let: dict[str, Any] = {}
    locks: tuple[str, ...] = ()
    confirm: Confirm = Confirm()
    require: tuple[Require, ...] = ()
    steps: tuple[Step, ...]
    verify: tuple[Verify, ...] = ()
    on_cancel: OnCancel = OnCancel.UNDO
    timeout: str = "30m"
    always: tuple[Step, ...] = ()
    outputs: dict[str, Any] = {}
