"""Action manifests: found, read strictly, and refused with file and line when they are wrong."""

import hashlib
import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

import actions
from actions.checks import CHECKS
from actions.expressions import compiled, expressions, unresolved
from actions.inputs import parse_duration, read_value, wrong_spec
from actions.schema import Document, InputSpec, Require, Risk, Step, TargetKind, Undo, Verify
from actions.steps import STEP_TYPES
from console import paths
from console.errors import ConfigError, ManifestError
from console.resources import views
from console.yaml_file import YamlFile

API_VERSION = "shifu.console/v1"
_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = frozenset({"context", "output", "yes", "plan-id", "help", "target"})
_RUN_NAMES = ("id", "actor")
_FLEET_NAMES = ("management", "clusters")
_PLACE_NAMES = ("name", "namespace", "cluster", "context", "region", "account")
_RETRIED = frozenset({"failed", "timeout", "throttled", "unavailable"})


class Manifest:
    """One action as its file declares it."""

    def __init__(self, document: Document, *, text: str, path: str) -> None:
        self.document = document
        self.text = text
        self.path = path

    @property
    def name(self) -> str:
        return self.document.metadata.name

    @property
    def version(self) -> int:
        return self.document.metadata.version

    @property
    def title(self) -> str:
        return self.document.metadata.title

    @property
    def risk(self) -> Risk:
        return self.document.risk

    @property
    def target(self) -> TargetKind:
        return self.document.target

    @property
    def inputs(self) -> dict[str, InputSpec]:
        return self.document.inputs

    @cached_property
    def hash(self) -> str:
        """Return the hash of the file's text, journalled with every run."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def check_syntax(self) -> None:
        """Compile every expression.

        Raises:
            ManifestError: one is not CEL.

        """
        document = msgspec.to_builtins(self.document)
        conditions = [require.expr for require in self.document.require if require.expr]
        conditions += [step.if_ for step in self.document.steps if step.if_]
        bare = [text for text in conditions if "${{" not in text]
        for expression in (*expressions(document), *bare):
            try:
                compiled(expression)
            except ManifestError as error:
                raise ManifestError(error.message, path=self.path) from error

    def not_carried_out(self) -> list[str]:
        """Name what the manifest asks for and this version does not do yet."""
        document = self.document
        found = []
        if document.confirm.approvers is not None:
            found.append("confirm.approvers")
        found += [
            f"require[{place}].override"
            for place, require in enumerate(document.require)
            if require.override
        ]
        found += [
            f"inputs.{name} of type {spec.type}"
            for name, spec in document.inputs.items()
            if spec.type in ("secret", "backup")
        ]
        if document.target not in views():
            found.append(f"target: {document.target}")
        return found


def parse(text: str, *, path: str) -> Manifest:
    """Read one manifest.

    Raises:
        ManifestError: it is not what manifests may say; names file, line and nearest key.

    """
    file = YamlFile(text, path=path, error=ManifestError)
    file.value = _with_on(file.value)
    _check_inputs_shape(file)
    document = file.decode(Document)
    _Checker(file, document).run()
    return Manifest(document, text=text, path=path)


def _with_on(value: Any) -> Any:
    """Give the key `on` back: YAML 1.1 reads the bare word as true."""
    if isinstance(value, dict):
        return {"on" if key is True else key: _with_on(part) for key, part in value.items()}
    return [_with_on(part) for part in value] if isinstance(value, list) else value


def _check_inputs_shape(file: YamlFile) -> None:
    """Name the very input that is wrong: a decoder of mappings only says `some input`."""
    entries = file.value.get("inputs") if isinstance(file.value, dict) else None
    if not isinstance(entries, dict):
        return
    known = [field.encode_name for field in msgspec.structs.fields(InputSpec)]
    for name, entry in entries.items():
        for key in entry if isinstance(entry, dict) else ():
            if key not in known:
                near = get_close_matches(str(key), known, n=1)
                remedy = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
                message = f"unknown key {key!r} in inputs.{name}"
                raise file.refusal(message, "inputs", name, key, key=True, remedy=remedy)
        try:
            msgspec.convert(entry, InputSpec, strict=True)
        except msgspec.ValidationError as failure:
            raise file.refusal(f"inputs.{name}: {failure}", "inputs", name) from failure


class _Checker:
    """Checks what a shape cannot say: names that resolve, registered words, sane values."""

    def __init__(self, file: YamlFile, document: Document) -> None:
        self.file = file
        self.document = document
        self.let: list[str] = []
        self.steps: list[str] = []
        self.used: set[str] = set()

    def run(self) -> None:
        document = self.document
        self._head()
        for name, spec in document.inputs.items():
            self._input(name, spec)
        for name, value in document.let.items():
            self._names(value, "let", name)
            self.let.append(name)
        self._names(list(document.locks), "locks")
        self._names(document.confirm.type, "confirm")
        for place, require in enumerate(document.require):
            self._require(require, place)
        self._duration(document.timeout, "timeout")
        past_return = False
        for place, step in enumerate(document.steps):
            past_return = past_return or step.point_of_no_return
            self._step(step, "steps", place, past_return=past_return)
        for place, verify in enumerate(document.verify):
            self._verify(verify, "verify", place)
        for place, step in enumerate(document.always):
            self._step(step, "always", place, past_return=True)
        self._names(document.outputs, "outputs")

    def _head(self) -> None:
        document = self.document
        if document.api_version != API_VERSION:
            message = f"apiVersion {document.api_version!r} is not known"
            raise self.file.refusal(message, "apiVersion", remedy=f"write {API_VERSION}")
        if document.kind != "Action":
            message = f"kind {document.kind!r} is not known"
            raise self.file.refusal(message, "kind", remedy="write Action")
        if not _NAME.fullmatch(document.metadata.name):
            message = f"the name {document.metadata.name!r} is not lower-case words with dashes"
            raise self.file.refusal(message, "metadata", "name")
        if not document.steps:
            raise self.file.refusal("there are no steps", "steps")
        if document.risk in (Risk.DISRUPTIVE, Risk.DATA_LOSS) and not document.confirm.type:
            message = f"an action of risk {document.risk} has to say what is typed to confirm it"
            raise self.file.refusal(message, "risk", remedy="add confirm: {type: …}")

    def _input(self, name: str, spec: InputSpec) -> None:
        if not _ID.fullmatch(name) or name.replace("_", "-") in _RESERVED:
            message = f"an input cannot be called {name!r}"
            raise self.file.refusal(message, "inputs", name, key=True)
        if problem := wrong_spec(spec):
            raise self.file.refusal(f"inputs.{name}: {problem}", "inputs", name)
        if spec.default is not None:
            try:
                read_value(spec, spec.default)
            except ValueError as failure:
                message = f"inputs.{name}: the default {failure}"
                raise self.file.refusal(message, "inputs", name, "default") from failure

    def _require(self, require: Require, place: int) -> None:
        at = ("require", place)
        if bool(require.check) == bool(require.expr):
            raise self.file.refusal("a precondition is either a check or an expr", *at)
        if require.override not in ("", "typed"):
            message = f"override {require.override!r} is not known"
            raise self.file.refusal(message, *at, "override", remedy="write typed")
        if require.expr:
            if not require.message:
                raise self.file.refusal("an expr needs a message", *at)
            self._condition(require.expr, *at, "expr")
        else:
            self._registered(require.check, CHECKS, "check", *at, "check")
        self._names(require.with_, *at, "with")
        self._names(require.message, *at, "message")

    def _step(self, step: Step, section: str, place: int, *, past_return: bool) -> None:
        at = (section, place)
        if not _ID.fullmatch(step.id) or step.id in self.steps:
            message = f"the step id {step.id!r} is not a new plain word"
            raise self.file.refusal(message, *at, "id")
        self._registered(step.uses, STEP_TYPES, "step type", *at, "uses")
        self._names(step.with_, *at, "with")
        if step.if_:
            self._condition(step.if_, *at, "if")
        self._duration(step.timeout, *at, "timeout")
        self._duration(step.retry.backoff, *at, "retry", "backoff")
        for reason in step.retry.on:
            self._registered(reason, _RETRIED, "reason to retry", *at, "retry", "on")
        self.steps.append(step.id)
        self._undo(step, at, past_return=past_return)
        for number, verify in enumerate(step.verify):
            self._verify(verify, *at, "verify", number)

    def _undo(self, step: Step, at: tuple[str | int, ...], *, past_return: bool) -> None:
        undo: Undo | None = step.undo
        if undo is None:
            if STEP_TYPES[step.uses].writes and not past_return:
                message = f"step {step.id} writes and has no undo"
                remedy = "add undo, or undo: {none: the reason}"
                raise self.file.refusal(message, *at, remedy=remedy)
            return
        if bool(undo.uses) == bool(undo.none):
            raise self.file.refusal("an undo has either uses or none with a reason", *at, "undo")
        if undo.uses:
            self._registered(undo.uses, STEP_TYPES, "step type", *at, "undo", "uses")
            restored = undo.with_.get("restore", step.id)
            if restored not in self.steps:
                message = f"there is no step {restored!r} to restore"
                raise self.file.refusal(message, *at, "undo", "with", "restore")
            self._names(undo.with_, *at, "undo", "with")

    def _verify(self, verify: Verify, *at: str | int) -> None:
        self._registered(verify.check, CHECKS, "check", *at, "check")
        self._names(verify.with_, *at, "with")
        self._duration(verify.within, *at, "within")
        self._duration(verify.hold, *at, "hold")

    def _registered(self, word: str, known: Collection[str], what: str, *at: str | int) -> None:
        if word in known:
            return
        near = get_close_matches(word, known, n=1)
        remedy = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
        raise self.file.refusal(f"no {what} is called {word!r}", *at, remedy=remedy)

    def _duration(self, text: str, *at: str | int) -> None:
        try:
            parse_duration(text)
        except ValueError as failure:
            raise self.file.refusal(str(failure), *at) from failure

    def _condition(self, text: str, *at: str | int) -> None:
        self._resolve(list(expressions(text)) or [text], *at)

    def _names(self, value: Any, *at: str | int) -> None:
        self._resolve(expressions(value), *at)

    def _resolve(self, found: "Iterator[str] | list[str]", *at: str | int) -> None:
        known: dict[str, Collection[str] | None] = {
            "inputs": self.document.inputs,
            "target": _target_fields(self.document.target),
            "let": self.let,
            "steps": self.steps,
            "run": _RUN_NAMES,
            "fleet": _FLEET_NAMES,
        }
        for expression in found:
            missing = unresolved(expression, known)
            if missing is None:
                continue
            root, _, field = missing.partition(".")
            near = get_close_matches(field or root, known.get(root) or known, n=1)
            hint = f"{root}.{near[0]}" if near and field else near[0] if near else ""
            remedy = f"did you mean {hint!r}?" if hint else f"known: {', '.join(known)}"
            raise self.file.refusal(f"{missing!r} is not a name here", *at, remedy=remedy)


def _target_fields(kind: TargetKind) -> Collection[str] | None:
    view = views().get(kind)
    if view is None:
        return None
    own = [field.encode_name for field in msgspec.structs.fields(view.record)]
    return (*own, *_PLACE_NAMES)


class Catalogue:
    """Every action of this installation; a broken file is told when it is asked for."""

    def __init__(self, folders: Collection[Path] | None = None) -> None:
        self.manifests: dict[str, Manifest] = {}
        self.broken: dict[str, ManifestError] = {}
        for folder in folders if folders is not None else (bundled(), own()):
            for path in sorted(folder.glob("*.yaml")):
                self._add(path)

    def named(self, name: str) -> Manifest:
        """Find an action.

        Raises:
            ConfigError: none is called so; names the nearest.
            ManifestError: its file is wrong.

        """
        if name in self.manifests:
            return self.manifests[name]
        if name in self.broken:
            raise self.broken[name]
        near = get_close_matches(name, [*self.manifests, *self.broken], n=3)
        known = ", ".join(self.manifests)
        remedy = f"did you mean {', '.join(near)}?" if near else f"known: {known}"
        raise ConfigError(f"no action is called {name!r}", remedy=remedy)

    def _add(self, path: Path) -> None:
        try:
            manifest = parse(_read(path), path=str(path))
            if manifest.name in self.manifests:
                message = f"an action called {manifest.name!r} exists already"
                elsewhere = self.manifests[manifest.name].path
                raise ManifestError(message, path=str(path), remedy=f"see {elsewhere}")
        except ManifestError as error:
            self.broken[path.stem] = error
        else:
            self.manifests[manifest.name] = manifest


def bundled() -> Path:
    """Return the folder of the bundled actions."""
    # By the package's own place: a folder `manifests` where the program is started is not ours.
    return Path(actions.__file__).parent.parent / "manifests" / "actions"


def own() -> Path:
    """Return the folder of the operator's own actions."""
    return paths.data_dir() / "actions"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failure:
        raise ManifestError("cannot be read", path=str(path)) from failure
