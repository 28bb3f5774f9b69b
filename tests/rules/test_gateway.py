"""One gateway: a request that could write is made in one file only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GATEWAY = ROOT / "console" / "links" / "kube" / "objects.py"
WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def sources() -> list[Path]:
    found = [
        path for name in ("console", "actions", "screens") for path in (ROOT / name).rglob("*.py")
    ]
    return [path for path in found if "sandbox" not in path.parts and path != GATEWAY]


def verbs(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in WRITING:
            yield f"line {node.lineno}: {node.value}"


def foreign_writes(tree: ast.AST) -> Iterator[str]:
    """Find calls of an HTTP client's own writing methods."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr.upper() in WRITING
            and isinstance(node.func.value, ast.Attribute | ast.Name)
            and "session" in ast.unparse(node.func.value).lower()
        ):
            yield f"line {node.lineno}: {ast.unparse(node.func)}"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_file_names_a_writing_request(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [*verbs(tree), *foreign_writes(tree)] == []


def test_the_gateway_is_where_the_rule_says() -> None:
    assert list(verbs(ast.parse(GATEWAY.read_text(encoding="utf-8"))))
