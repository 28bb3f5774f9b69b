"""The tenant's templates: typed values, nothing unknown, every profile."""

import itertools

import pytest

from console.sandbox.render import Templates, fill, variables
from console.sandbox.seed import TENANTS, values

PROFILES = [
    ("standard", "shared"),
    ("standard", "hybrid"),
    ("premium", "hybrid"),
    ("premium", "dedicated"),
    ("enterprise", "hybrid"),
    ("enterprise", "dedicated"),
]


def test_a_whole_scalar_takes_the_type_of_its_value() -> None:
    assert fill({"replicas": "${N}"}, {"N": 3}) == {"replicas": 3}


def test_a_part_of_a_scalar_takes_the_text_of_its_value() -> None:
    assert fill(["api:${TAG}"], {"TAG": 3}) == ["api:3"]


def test_an_escaped_variable_stays() -> None:
    assert fill("$${N} and ${N}", {"N": 1}) == "${N} and 1"


def test_an_unknown_variable_is_an_error() -> None:
    with pytest.raises(KeyError, match="ABSENT"):
        fill("${ABSENT}", {})


@pytest.mark.parametrize(("tier", "isolation"), PROFILES)
def test_every_profile_renders_without_a_variable_left(tier: str, isolation: str) -> None:
    objects = Templates().tenant(tier, isolation, values(TENANTS[0], "us-west-2"))
    assert not list(itertools.chain.from_iterable(map(variables, objects)))
    kinds = [obj["kind"] for obj in objects]
    assert kinds[0] == "Namespace"
    assert ("StatefulSet" in kinds) is (isolation != "shared")
    assert kinds.count("HorizontalPodAutoscaler") == kinds.count("Deployment") == 3


def test_a_tier_comes_only_with_its_isolations() -> None:
    with pytest.raises(ValueError, match="enterprise does not come with isolation shared"):
        Templates().tenant("enterprise", "shared", {})
