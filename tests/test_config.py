"""Fields that are described once: their rules, and what the description is used for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from snn2rtl.config import Config, option
from snn2rtl.errors import OptionError
from snn2rtl.rules import Each, Either, OneOf, Rule, above, at_least, below, between

INFINITE, NAN = float("inf"), float("nan")
RULES: list[tuple[Rule, str, list[Any], list[Any]]] = [
    (at_least(1), "at least 1", [1, 7], [0, -1, NAN, INFINITE]),
    (above(0), "above 0", [0.1, 1e30], [0, -0.1, NAN, INFINITE]),
    (above(0, infinite=True), "above 0", [0.1, INFINITE], [0, NAN]),
    (above(0, 10), "above 0 and at most 10", [0.1, 10], [0, 10.1, NAN, INFINITE]),
    (between(0, 1), "0 to 1", [0, 0.5, 1], [-0.1, 1.1, NAN]),
    (below(1), "0 or more and below 1", [0, 0.9], [-0.1, 1, NAN]),
    (Either(0, between(3, 8)), "0, or 3 to 8", [0, 3, 8], [1, 2, 9, -1]),
    (Each(at_least(1)), "each at least 1", [(), (1,), (3, 1)], [(0,), (3, 0)]),
    (Each(between(1, 9), least=1), "1 or more numbers, each 1 to 9", [(1,), (3, 9)], [(), (10,), (1, 0)]),
    (OneOf(("a",)), "a", ["a"], ["b", ""]),
    (OneOf(("a", "b")), "a or b", ["a", "b"], ["c", "a or b"]),
    (OneOf(("a", "b", "c")), "a, b or c", ["b", "c"], ["d"]),
    (between("low", 9), "low to 9", [4, 9], [3, 10]),
    (at_least("low"), "at least low", [4], [3]),
    (below("low"), "0 or more and below low", [0, 3], [4, -1]),
    (Either(0, between("low", "high")), "0, or low to high", [0, 4, 6], [1, 7]),
]


@dataclass(frozen=True, kw_only=True)
class Bounds(Config):
    low: int = 4
    high: int = 6


@pytest.mark.parametrize(("rule", "text", "good", "bad"), RULES, ids=[text for _, text, _, _ in RULES])
def test_a_rule_allows_what_its_text_says(rule: Rule, text: str, good: list[Any], bad: list[Any]) -> None:
    assert rule.text == text
    assert [rule.holds(value, Bounds()) for value in good] == [True] * len(good)
    assert [rule.holds(value, Bounds()) for value in bad] == [False] * len(bad)
    assert rule.others == tuple(word for word in ("low", "high") if re.search(rf"\b{word}\b", text))


@dataclass(frozen=True, kw_only=True)
class Base(Config):
    size: int = option(3, "how large", at_least(1))
    kind: Literal["round", "square"] = option("round", "what it looks like")
    part: int = option(0, "some of it", between(0, "size"))


@dataclass(frozen=True, kw_only=True)
class Special(Base):
    color: str = option("red", "paint", of_model=True)
    size: int = 5

    def conflicts(self) -> list[tuple[str, str, bool]]:
        return [("color", "red where it is square", self.kind == "round" or self.color == "red")]


def test_a_subclass_changes_a_default_and_nothing_else() -> None:
    assert list(Special.options()) == ["color", "size", "kind", "part"]
    found, base = Special.options()["size"], Base.options()["size"]
    assert (found.default, base.default) == (5, 3)
    assert (found.help, found.rule, found.kind) == (base.help, base.rule, int)
    assert [name for name, one in Special.options().items() if one.of_model] == ["color"]
    assert Special.options()["kind"].choices == ("round", "square")


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        ({"size": 0}, ["size: must be at least 1, not 0"]),
        ({"kind": "flat"}, ["kind: must be round or square, not flat"]),
        ({"part": 6}, ["part: must be 0 to size, not 6"]),
        ({"size": 0, "part": 1}, ["size: must be at least 1, not 0"]),  # part is held against no bad size
        ({"kind": "square", "color": "blue"}, ["color: must be red where it is square, not blue"]),
        ({"size": 2, "kind": "flat", "part": 3}, ["kind: must be round or square, not flat", "part: must be 0 to size, "
                                                  "not 3"]),
    ],
)  # fmt: skip
def test_every_broken_rule_is_a_line(values: dict[str, Any], lines: list[str]) -> None:
    with pytest.raises(OptionError) as caught:
        Special(**values)
    assert str(caught.value).splitlines() == lines
