"""An action's inputs as a form drawn from its manifest."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Button, Checkbox, Footer, Input, Select, Static

from actions.schema import InputSpec, InputType
from console.record import Key, Tone
from screens.fields import hint, read_fields
from screens.tones import glyph

if TYPE_CHECKING:
    from actions.manifest import Manifest

Current = Callable[[Mapping[str, str]], Mapping[str, str]]
"""Tells the values in force now, by input name, for what the form says so far."""


class FormScreen(Screen[dict[str, Any] | None]):
    """Asks for the inputs of one action; returns typed values, or None when left."""

    CSS_PATH = "form.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", id="form.back", tooltip="Leave without planning"),
        Binding(
            "ctrl+o", "submit", "Plan", id="form.plan", tooltip="Make the plan; writes nothing"
        ),
        Binding("down", "app.focus_next", "Next field", show=False, id="form.next"),
        Binding("up", "app.focus_previous", "Previous field", show=False, id="form.previous"),
    ]

    def __init__(
        self,
        manifest: "Manifest",
        target: Key,
        *,
        given: Mapping[str, Any] | None = None,
        current: Current = lambda _: {},
    ) -> None:
        super().__init__()
        self._manifest = manifest
        self._target = target
        self._given = given or {}
        self._current = current

    def compose(self) -> ComposeResult:
        yield Static(
            f"{self._manifest.title}  >  {self._target}",
            id="form-title",
            markup=False,
        )
        with VerticalScroll(id="form-fields"):
            for name, spec in self._manifest.inputs.items():
                yield from self._field(name, spec)
        with Horizontal(id="form-buttons"):
            yield Button("Plan", id="form-submit", variant="primary", compact=True)
            yield Button("Cancel", id="form-cancel", compact=True)
            yield Static("enter makes the plan; nothing is written", id="form-promise")
        yield Footer()

    def _field(self, name: str, spec: InputSpec) -> ComposeResult:
        start = self._given.get(name, spec.default)
        with Vertical(classes="field"):
            with Horizontal(classes="field-line"):
                mark = " *" if spec.required else ""
                yield Static(f"{name}{mark}", classes="field-name", markup=False)
                yield _widget(name, spec, start)
                yield Static("", id=f"now-{name}", classes="field-now", markup=False)
            yield Static(hint(spec), id=f"note-{name}", classes="field-note", markup=False)

    def on_mount(self) -> None:
        self._show_current()
        first = next(iter(self._manifest.inputs), None)
        if first is not None:
            self.query_one(f"#input-{first}").focus()

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_submit(self) -> None:
        values, errors = read_fields(self._manifest.inputs, self._texts())
        for name, spec in self._manifest.inputs.items():
            note = self.query_one(f"#note-{name}", Static)
            note.update(f"{glyph(Tone.BAD)} {errors[name]}" if name in errors else hint(spec))
            note.set_class(name in errors, "tone-bad")
        if errors:
            self.query_one(f"#input-{next(iter(errors))}").focus()
            return
        self.dismiss(values)

    @on(Input.Submitted)
    @on(Button.Pressed, "#form-submit")
    def _submitted(self) -> None:
        self.action_submit()

    @on(Button.Pressed, "#form-cancel")
    def _cancelled(self) -> None:
        self.dismiss(None)

    @on(Select.Changed)
    def _chosen(self) -> None:
        self._show_current()

    def _show_current(self) -> None:
        now = self._current(self._texts())
        for name in self._manifest.inputs:
            text = f"now {now[name]}" if name in now else ""
            self.query_one(f"#now-{name}", Static).update(text)

    def _texts(self) -> dict[str, str]:
        return {name: _text(self.query_one(f"#input-{name}")) for name in self._manifest.inputs}


def _widget(name: str, spec: InputSpec, start: Any) -> Widget:
    ident = f"input-{name}"
    match spec.type:
        case InputType.ENUM:
            options = [(str(choice), str(choice)) for choice in spec.choices]
            if start is None:
                return Select(options, id=ident, compact=True)
            return Select(options, id=ident, compact=True, value=str(start), allow_blank=False)
        case InputType.BOOL:
            return Checkbox("yes", value=bool(start), id=ident, compact=True)
    return Input(
        value="" if start is None else str(start),
        id=ident,
        type="integer" if spec.type is InputType.INT else "text",
        placeholder="needed" if spec.required else "left out",
        password=spec.type is InputType.SECRET,
        compact=True,
    )


def _text(widget: Widget) -> str:
    match widget:
        case Select():
            return "" if widget.is_blank() else str(widget.value)
        case Checkbox():
            return "true" if widget.value else "false"
        case Input():
            return widget.value
    return ""
