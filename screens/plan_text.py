"""A plan as lines to read: where it acts, what was checked, what changes."""

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from actions.model import Finding, Hunk, Level, Plan, PlannedStep
from console.record import Tone, Word
from console.units import format_age
from screens.tones import sign, style, tone_text


def finding_word(finding: Finding) -> Word:
    """Name what a check found: passed, refused, warning, or not told."""
    match finding.ok, finding.level:
        case True, _:
            return Word("passed", Tone.OK)
        case False, Level.BLOCK:
            return Word("refused", Tone.BAD)
        case None, Level.BLOCK:
            return Word("unknown, so refused", Tone.UNKNOWN)
        case None, _:
            return Word("unknown", Tone.UNKNOWN)
    return Word("warning", Tone.WARN)


def plan_lines(plan: Plan) -> Iterator[RenderableType]:
    """Write a plan: what stands against it, what changes, and last what was in order."""
    yield from _place(plan)
    yield Text("")
    open_ones = [finding for finding in plan.findings if finding.ok is not True]
    passed = [finding for finding in plan.findings if finding.ok is True]
    yield _heading("Checks", _verdict(plan))
    if open_ones:
        yield _findings(sorted(open_ones, key=lambda found: finding_word(found).tone.severity))
    yield Text("")
    yield _heading("Changes", _extent(plan))
    for step in plan.steps:
        yield from _step(step)
    yield Text("")
    yield _heading("In order", Text(f"{len(passed)} of {len(plan.findings)} checks", "dim"))
    yield _findings(passed)


def verdict(plan: Plan) -> Word:
    """Say in a word whether the plan may be run."""
    if plan.refusals:
        return Word("REFUSED", Tone.BAD, f"{len(plan.refusals)} against it; nothing was written")
    if plan.warnings:
        return Word("READY WITH WARNINGS", Tone.WARN, f"{len(plan.warnings)} to know before")
    return Word("READY", Tone.OK, "nothing was written yet")


def change(before: Any, after: Any) -> str:
    """Name the kind of a change, so that no colour is needed."""
    if before == after:
        return "unchanged"
    if before is None:
        return "added"
    if after is None:
        return "removed"
    if isinstance(before, int | float) and isinstance(after, int | float):
        return f"{'raised' if after > before else 'lowered'} by {abs(after - before):g}"
    return "changed"


def _place(plan: Plan) -> Iterator[Text]:
    yield _pair("Acts on", f"{plan.target.kind} {plan.target.name}")
    yield _pair("Where", plan.place or str(plan.target))
    words = " ".join(f"{name}={value}" for name, value in plan.inputs.items() if value is not None)
    yield _pair("Inputs", words or "none")
    yield _pair("Risk", f"{plan.risk}; as {plan.actor}")
    if plan.locks:
        yield _pair("Locks", ", ".join(plan.locks))
    yield _pair("Plan", f"{plan.id}  {plan.action} version {plan.version}")


def _verdict(plan: Plan) -> Text:
    word = verdict(plan)
    return tone_text(word).append(f"  {word.reason}", style="dim")


def _extent(plan: Plan) -> Text:
    count = sum(len(step.hunks) for step in plan.steps)
    if not count:
        asked = (
            "not known: refused before the dry run" if plan.refusals else "none: it is so already"
        )
        return Text(asked, "dim")
    return Text(f"{count} field{'s' if count != 1 else ''}, from a server-side dry run", "dim")


def _findings(findings: Iterable[Finding]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0), pad_edge=True)
    grid.add_column(no_wrap=True)
    grid.add_column()
    for finding in findings:
        text = Text(finding.message).append(f"  {finding.check}", style="dim")
        if finding.remedy and finding.ok is not True:
            text.append(f"\n{sign('→', '->')} {finding.remedy}", style="italic")
        grid.add_row(Text("  ").append_text(tone_text(finding_word(finding))), text)
    return grid


def _step(step: PlannedStep) -> Iterator[Text]:
    way_back = "can be undone" if step.undo else "no undo"
    yield Text(f"  {step.title}", style="bold").append(
        f"  {step.uses}, {way_back}, at most {format_age(step.timeout_seconds)}",
        style="not bold dim",
    )
    place = None
    for hunk in step.hunks:
        if (hunk.cluster, hunk.namespace, hunk.object) != place:
            place = (hunk.cluster, hunk.namespace, hunk.object)
            yield Text(f"    {hunk.object} in {hunk.cluster}/{hunk.namespace}")
        yield from _hunk(hunk)


def _hunk(hunk: Hunk) -> Iterator[Text]:
    before, after = shown(hunk.before), shown(hunk.after)
    line = Text(f"      {hunk.field}  ")
    line.append(before, style=style(Tone.BAD)).append(f" {sign('→', '->')} ")
    line.append(after, style=style(Tone.OK))
    yield line.append(f"  {change(hunk.before, hunk.after)}", style="dim")


def shown(value: Any) -> str:
    """Write a field's value."""
    return "(none)" if value is None else str(value)


def _heading(title: str, note: Text) -> Text:
    return Text(title, style="bold underline").append("  ", style="not underline").append_text(note)


def _pair(label: str, value: str) -> Text:
    return Text(f"{label:<9}", style="dim").append(value, style="not dim")
