"""Label and field selectors, as query strings and as LabelSelector objects."""

import re
from collections.abc import Callable, Mapping

from console.sandbox.objects import Obj, dig, labels
from console.sandbox.status import ApiError

Test = Callable[[Obj], bool]
Requirement = tuple[str, str, frozenset[str]]

_REQUIREMENT = re.compile(
    r"""\s*(?:
        (?P<absent>!\s*[\w./-]+)
      | (?P<set>[\w./-]+)\s+(?P<in>in|notin)\s*\((?P<values>[^)]*)\)
      | (?P<key>[\w./-]+)\s*(?P<op>==|!=|=)\s*(?P<value>[\w.-]*)
      | (?P<present>[\w./-]+)
    )\s*(?:,|$)""",
    re.VERBOSE,
)


def label_test(text: str) -> Test | None:
    """Compile a labelSelector; None when it selects everything."""
    wanted = [*_requirements(text)]
    return (lambda obj: matches(labels(obj), wanted)) if wanted else None


def _requirements(text: str) -> list[Requirement]:
    found: list[Requirement] = []
    at = 0
    while at < len(text):
        part = _REQUIREMENT.match(text, at)
        if part is None:
            raise ApiError(400, f"unable to parse requirement: found '{text[at:]}'")
        found.append(_requirement(part))
        at = part.end()
    return found


def _requirement(part: re.Match[str]) -> Requirement:
    if part["absent"]:
        return part["absent"][1:].strip(), "DoesNotExist", frozenset()
    if part["set"]:
        values = frozenset(value.strip() for value in part["values"].split(","))
        return part["set"], "In" if part["in"] == "in" else "NotIn", values
    if part["key"]:
        return part["key"], "NotIn" if part["op"] == "!=" else "In", frozenset([part["value"]])
    return part["present"], "Exists", frozenset()


def selector_test(selector: Obj | None) -> Callable[[Mapping[str, str]], bool]:
    """Compile a LabelSelector object into a test of labels; None selects nothing."""
    if selector is None:
        return lambda _: False
    wanted: list[Requirement] = [
        (key, "In", frozenset([value]))
        for key, value in (selector.get("matchLabels") or {}).items()
    ]
    wanted += [
        (term["key"], term["operator"], frozenset(term.get("values") or ()))
        for term in selector.get("matchExpressions") or ()
    ]
    return lambda found: matches(found, wanted)


def matches(found: Mapping[str, str], wanted: list[Requirement]) -> bool:
    """Tell whether labels meet every requirement."""
    return all(_meets(found, *requirement) for requirement in wanted)


def _meets(found: Mapping[str, str], key: str, operator: str, values: frozenset[str]) -> bool:
    if operator == "In":
        return found.get(key) in values
    if operator == "NotIn":
        return found.get(key) not in values
    return (key in found) == (operator == "Exists")


def field_test(text: str, supported: tuple[str, ...], resource: str) -> Test | None:
    """Compile a fieldSelector over the fields this resource indexes."""
    tests: list[Test] = []
    for term in filter(None, text.split(",")):
        key, operator, value = _field_term(term)
        if key not in ("metadata.name", "metadata.namespace", *supported):
            raise ApiError(
                400,
                f'Unable to find "{resource}" that match label selector "", field selector'
                f' "{text}": field label not supported: {key}',
            )
        tests.append(_field(key.split("."), value, wanted=operator != "!="))
    return (lambda obj: all(test(obj) for test in tests)) if tests else None


def _field_term(term: str) -> tuple[str, str, str]:
    part = re.fullmatch(r"([^=!]+)(==|!=|=)(.*)", term)
    if part is None:
        raise ApiError(
            400, f"invalid field selector: invalid selector: '{term}'; can't understand '{term}'"
        )
    return part[1].strip(), part[2], part[3].strip()


def _field(path: list[str], value: str, *, wanted: bool) -> Test:
    def test(obj: Obj) -> bool:
        found = dig(obj, *path)
        text = str(found).lower() if isinstance(found, bool) else str(found or "")
        if found is None and path[-1] in ("unschedulable", "hostNetwork"):
            text = "false"
        return (text == value) == wanted

    return test
