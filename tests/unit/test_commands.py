"""The command line's grammar: kinds, scope, labels, the four filters, completion."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.commands import Filter, complete, labels_test, parse
from console.errors import ConfigError
from console.resources import views
from tests.unit.resources.world import World, meta, pod

LABELS = {"app": "api", "ai-shifu.io/tier": "premium"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("hpa", ("hpa", (), {}, "", "")),
        (":hpas", ("hpa", (), {}, "", "")),
        ("  PODS  ", ("pod", (), {}, "", "")),
        ("hpa @eu-* @usw2", ("hpa", ("eu-*", "usw2"), {}, "", "")),
        ("tenants tier=premium", ("tenant", (), {"tier": "premium"}, "", "")),
        ("po tenant-acme", ("pod", (), {}, "tenant-acme", "")),
        ("po /api web", ("pod", (), {}, "", "api web")),
        ("po ns @eu-* app=api /!x/y", ("pod", ("eu-*",), {"app": "api"}, "ns", "!x/y")),
        ("po ai-shifu.io/tier=x", ("pod", (), {"ai-shifu.io/tier": "x"}, "", "")),
    ],
)
def test_line_is_read(line: str, words: tuple[object, ...]) -> None:
    query = parse(line)
    read = (query.kind, query.clusters, query.labels, query.namespace, query.filter.text)
    assert read == words


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "which kind"),
        ("tenannts", "tenants"),
        ("po a b", "'b'"),
        ("po @", "'@'"),
        ("po /(", "regular expression"),
        ("po /-l", "empty"),
        ("po /-l a b", "selector"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_hint(line: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse(line)


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("API", True),
        ("a.i", True),
        ("^web", False),
        ("!api", False),
        ("!web", True),
        ("-l app=api", True),
        ("-l app=web", False),
        ("-f hfu", True),
        ("-f hzu", False),
        ("-f p7", False),
        ("-f a.*i", False),
    ],
)
def test_filter_has_four_forms(text: str, matches: bool) -> None:
    assert Filter.parse(text).matches("shifu-api  7d4", LABELS) is matches


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("app=api", True),
        ("app==api", True),
        ("app!=api", False),
        ("absent!=x", True),
        ("app", True),
        ("!app", False),
        ("!absent", True),
        ("app in (web, api)", True),
        ("app in (web)", False),
        ("app notin (web)", True),
        ("absent notin (web)", True),
        ("absent in (web)", False),
        ("app=api,ai-shifu.io/tier in (premium,standard)", True),
        ("app=api,ai-shifu.io/tier=standard", False),
    ],
)
def test_selector_means_what_kubectl_means(selector: str, matches: bool) -> None:
    assert labels_test(selector)("", LABELS) is matches


def test_label_word_also_means_the_tenant_prefix_and_globs() -> None:
    record = World().put("pod", pod("a", {"metadata": {"labels": LABELS}}))
    assert parse("po tier=prem*").accepts(record)
    assert parse("po app=api").accepts(record)
    assert not parse("po tier=standard").accepts(record)
    assert not parse("po other=api").accepts(record)


def test_namespace_word_keeps_the_namespace_itself() -> None:
    world = World()
    inside = world.put("pod", pod("a"))
    own = world.put("namespace", {"metadata": meta("tenant-acme", namespace="")})
    assert parse("po tenant-acme").accepts(inside)
    assert parse("ns tenant-acme").accepts(own)
    assert not parse("po tenant-globex").accepts(inside)


def test_completion_offers_kinds_then_scope_labels_and_namespaces() -> None:
    world = World()
    world.put("pod", pod("a", {"metadata": {"labels": LABELS}}))
    assert complete("ten", world.look) == ["tenants", "tenant"]
    assert complete("pods @", world.look) == ["pods @usw2"]
    assert complete("pods ti", world.look) == ["pods tier=premium"]
    assert complete("pods tenant-", world.look) == ["pods tenant-acme"]
    assert complete("pods tenant-acme ", world.look)[0] == "pods tenant-acme @usw2"
    assert "pods tenant-acme tenant-acme" not in complete("pods tenant-acme ", world.look)
    assert complete("nothing ", world.look) == []
    assert complete("pods /a", world.look) == []


def test_completion_of_a_computed_kind_knows_its_labels() -> None:
    world = World()
    labels = {"ai-shifu.io/tenant": "acme", "ai-shifu.io/tier": "premium"}
    world.put("namespace", {"metadata": meta("tenant-acme", namespace="", labels=labels)})
    assert "tenants tier=premium" in complete("tenants t", world.look)


@given(st.text(max_size=60))
def test_any_line_is_read_or_refused(line: str) -> None:
    with suppress(ConfigError):
        assert parse(line).kind in views()


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_filter_is_read_or_refused_and_then_answers(text: str, row: str) -> None:
    try:
        found = Filter.parse(text)
    except ConfigError:
        return
    assert found.matches(row, {}) in (True, False)
