import doctest
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import chain, dense

from snn2rtl.int_net.chain import layers_of, with_layers
from snn2rtl.rtl import names
from snn2rtl.rtl.emit import verilog_files
from snn2rtl.rtl.names import KEYWORDS, MAX_LENGTH, comment, identifier, identifiers, sized_int
from snn2rtl.rtl.plan import plan
from snn2rtl.rtl.templates import folder

LEGAL = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
WORDS = (
    "../x /etc/passwd .. _ 0 -1 wire WIRE Wire_n module snn snn_lif replay replay_tb é İ módulo 层 x';$finish; \\esc"
)
NASTY = [*WORDS.split(), "", "a b", "\0", 'a\n`include "x"', "a" * 500]


def test_doctests():
    assert doctest.testmod(names).failed == 0


@given(st.text() | st.sampled_from([*NASTY, *sorted(KEYWORDS)]))
def test_an_identifier_is_legal(name):
    word = identifier(name)
    assert LEGAL.fullmatch(word)
    assert word not in KEYWORDS
    assert len(word) <= MAX_LENGTH + 2
    assert word.partition("_")[0] not in ("snn", "replay")
    assert identifier(word) == word


@given(
    st.lists(st.text(max_size=3) | st.sampled_from([*NASTY, "a", "a_n2", "an2"])), st.sets(st.sampled_from(["a", "n"]))
)
def test_identifiers_are_unique_and_not_reserved(wanted, reserved):
    found = identifiers(wanted, reserved)
    assert len(set(found)) == len(found) == len(wanted)
    assert not reserved & set(found)
    assert all(LEGAL.fullmatch(word) for word in found)
    assert found == identifiers(wanted, reserved)


def test_identifiers_keep_good_names():
    assert identifiers(["fc1", "fc2", "FC1", "fc1"]) == ["fc1", "fc2", "fc1n2", "fc1n3"]


@pytest.mark.parametrize(
    ("value", "width", "text"),
    [(0, 1, "1'd0"), (5, 4, "4'd5"), (-1, 4, "4'd15"), (-8, 4, "4'd8"), (-1, 64, f"64'd{2**64 - 1}")],
)
def test_sized_int(value, width, text):
    assert sized_int(value, width) == text


@given(st.text())
def test_a_comment_is_one_line_of_printable_ascii(text):
    shown = comment(text)
    assert re.fullmatch(r"[ -~]{0,80}", shown)
    assert not set("\"\\`'") & set(shown)
    assert "*/" not in shown or "*/" in text  # only used behind //


MODULES = sorted({path.stem for path in folder().rglob("*.v")})


@pytest.mark.parametrize("module", MODULES)
def test_no_name_makes_a_module_of_ours(module):
    """A network and a layer whose names join to one of ours, wherever it is cut."""
    parts = module.split("_")
    for cut in range(1, len(parts)):
        made = replace(chain(dense([[1]])), name="_".join(parts[:cut]))
        made = with_layers(made, (replace(layers_of(made)[0], name="_".join(parts[cut:])),))
        design = plan(made)
        generated = {layer.module for layer in design.layers} | {design.top}
        assert not generated & set(MODULES)
        files = verilog_files(design)
        assert len(set(files)) == len(files)


@pytest.mark.parametrize("name", ["input", "result", "s_axis", "m_axis", "top", "ingress", "readout"])
def test_layers_called_like_signals_of_the_top_get_other_names(name):
    (layer,) = plan(with_layers(chain(dense([[1]])), (dense([[1]], name=name),))).layers
    assert layer.stream != name
