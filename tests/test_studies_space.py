"""Search spaces as values."""

from __future__ import annotations

from typing import Any

import pytest

from snn2rtl.errors import OptionError
from snn2rtl.studies import space
from snn2rtl.studies.space import Choices, Range
from snn2rtl.training.tasks.mnist import MnistConfig

BASE = MnistConfig(hold_out=10)
KINDS = MnistConfig.kinds()


def parse_flags(flags: list[str]) -> dict[str, space.Dimension]:
    return space.parse_flags(flags, KINDS)


def test_flags_name_ranges_and_choices_of_the_fields_type() -> None:
    flags = ["lr=1e-4:1e-2:log", "dropout=0.1:0.5", "batch-size=16:512:log", "bits=2,3,4", "hidden=200,400-100"]
    assert parse_flags([*flags, "encoder=poisson,direct", "batch_norm=true,false", "tau=2,4"]) == {
        "lr": Range(1e-4, 1e-2, log=True),
        "dropout": Range(0.1, 0.5),
        "batch_size": Range(16, 512, log=True),
        "bits": Choices((2, 3, 4)),
        "hidden": Choices(((200,), (400, 100))),
        "encoder": Choices(("poisson", "direct")),
        "batch_norm": Choices((True, False)),
        "tau": Choices((2.0, 4.0)),
    }


def test_a_table_holds_the_same_or_lists() -> None:
    lists = {"tau": [2, 4], "hidden": [[200], [400, 100]], "batch_norm": [True, False]}
    assert space.parse({"lr": "1e-4:1e-2", **lists}, KINDS) == parse_flags(
        ["lr=1e-4:1e-2", "tau=2,4", "hidden=200,400-100", "batch_norm=true,false"]
    )


def test_a_space_is_shown_as_it_is_read() -> None:
    flags = ["lr=0.0001:0.01:log", "hidden=200,400-100", "batch_norm=true,false", "bits=2,4", "epochs=2:9"]
    parsed = parse_flags(flags)
    assert [f"{name}={dimension}" for name, dimension in parsed.items()] == flags


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("lr", "search: must be FIELD=LOW:HIGH, .*, not 'lr'"),
        ("momentum=0.1:0.9", "search momentum: must name an option that can be varied, which are hidden, reset, .*"),
        ("lr=1e-2:1e-4", "search lr: must have a low end below its high end, not 1e-2:1e-4"),
        ("lr=1e-2:1e-2", "search lr: must have a low end below its high end, .*"),
        ("lr=nan:1", "search lr: must have a low end below its high end, .*"),
        ("lr=1e-2:inf", "search lr: must have a low end below its high end, .*"),
        ("dropout=0:0.5:log", "search dropout: must begin above 0 to be logarithmic, not at 0.0"),
        ("lr=1:2:3", "search lr: must be LOW:HIGH or LOW:HIGH:log, not 1:2:3"),
        ("lr=a:2", "search lr: must have values of type float, not 'a'"),
        ("bits=2.5:4", "search bits: must have values of type int, not '2.5'"),
        ("bits=2,", "search bits: must have values of type int, not ''"),
        ("hidden=100:400", "search hidden: must be choices .*, for it is no number, not the range 100:400"),
        ("batch_norm=yes,no", "search batch_norm: must have values of type bool, not 'yes'"),
        ("bits=4", "search bits: must have at least two choices, all different, not 4"),
        ("bits=4,2,4", "search bits: must have at least two choices, all different, not 4,2,4"),
    ],
)
def test_a_bad_flag_is_one_sentence(flag: str, message: str) -> None:
    with pytest.raises(OptionError, match=f"^{message}$"):
        parse_flags([flag])


def test_a_field_is_given_once() -> None:
    with pytest.raises(OptionError, match="search lr: must be given once, not as 1:2 and as 2:3"):
        parse_flags(["lr=1:2", "lr=2:3"])


@pytest.mark.parametrize("entry", [3, [2.5, 4], [[1], [2]], {"low": 1}, True])
def test_a_bad_entry_of_a_table_is_one_sentence(entry: Any) -> None:
    with pytest.raises(
        OptionError, match=r"^search bits: must be a text as --search takes it or a list of values, not"
    ):
        space.parse({"bits": entry}, KINDS)


def test_search_is_a_table() -> None:
    with pytest.raises(OptionError, match=r"^search: must be a table \[search\], not 3$"):
        space.parse(3, KINDS)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "search: must name at least one field, .*"),
        (["bits=2:9"], "search bits: must be 0, or 1 to 8, not 9"),
        (["dropout=0.5:1.0"], "search dropout: must be 0 or more and below 1, not 1.0"),
        (["encoder=poisson,latency"], "search encoder: must be poisson or direct, not latency"),
        (["bits=0,4", "lr=1e-4:1e-2", "batch_norm=false,true"], "search bits: must be 0 with batch_norm .*, not 4"),
        (["tau=2.0:4.0", "bits=2,4"], "search tau: must be a power of two where bits are given, not 3.0"),
        (["hidden=100,0", "seed=-1:3"], "search seed: must be .*, not -1\nsearch hidden: must be .*"),
    ],
)
def test_values_keep_the_rules_alone_and_together(flags: list[str], message: str) -> None:
    with pytest.raises(OptionError, match=f"^{message}$"):
        space.check(parse_flags(flags), BASE)


def test_fields_that_only_fit_together_are_a_space() -> None:
    space.check(parse_flags(["epochs=20:30", "qat_from=10:20"]), BASE)  # qat_from=20 does not fit base's epochs
