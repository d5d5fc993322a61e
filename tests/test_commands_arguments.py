"""Numbers on the command line: bad ones are refused with a sentence of ours and exit code 2, before any work."""

import argparse
from pathlib import Path

import pytest

from snn2rtl import cli
from snn2rtl.commands.arguments import MAX_NUMBER, natural, number, per_layer, positive, share

BAD = ["", " ", "x", "-", "1.5.2", "0x10", "①", "²", "9" * 5000 + "x", ",", "=1", "a=", "nan5"]
REQUIRED = {
    "train": ["mnist"],
    "prune": ["model.pt"],
    "tune": ["mnist"],
    "compile": ["model.pt", "--out", "rtl"],
    "explore": ["model.pt", "--data", "x.npz"],
    "measure": ["model.pt", "--data", "x.npz"],
    "verify": ["rtl"],
    "simulate": ["rtl", "--input", "x.npy", "--out", "y.npz"],
    "synth": ["rtl"],
    "data": ["inspect", "shd"],
    "export": ["model.pt", "--nir", "net.nir"],
}


PARSER = cli._parser()


def typed_options() -> list[tuple[str, str]]:
    """Return every option of every command that takes more than any word."""
    (commands,) = (a for a in PARSER._actions if isinstance(a, argparse._SubParsersAction))
    return [
        (command, action.option_strings[-1])
        for command, parser in commands.choices.items()
        for action in parser._actions
        if action.type not in (None, str, Path) and action.dest != "layout"
    ]


OPTIONS = typed_options()


def test_every_command_with_numbers_is_looked_at():
    assert {"--seed", "--lanes", "--stalls", "--lr", "--hidden", "--target-cycles"} <= {option for _, option in OPTIONS}
    assert {command for command, _ in OPTIONS} == set(REQUIRED)


@pytest.mark.parametrize(("command", "option"), OPTIONS, ids=[" ".join(one) for one in OPTIONS])
def test_what_is_no_number_is_one_sentence(capsys, command, option):
    for text in BAD:
        with pytest.raises(SystemExit) as caught:
            PARSER.parse_args([command, *REQUIRED[command], f"{option}={text}"])
        assert caught.value.code == 2
        *_, line = capsys.readouterr().err.splitlines()
        assert f"error: argument {option}: must be " in line, text
        assert len(line) < 200


@pytest.mark.parametrize(
    ("command", "option", "sentence"),
    [
        *((command, "--seed=-1", f"--seed: must be an integer of 0..{MAX_NUMBER}, not '-1'")
          for command in ("compile", "measure", "verify", "simulate")),
        ("compile", "--seed=4294967296", f"--seed: must be an integer of 0..{MAX_NUMBER}, not '4294967296'"),
        ("compile", "--samples=0", f"--samples: must be an integer of 1..{MAX_NUMBER}, not '0'"),
        *((command, f"--bits={text}", "--bits: must be at least 1, not 0")
          for command in ("compile", "measure") for text in ("0", "8,fc1=0", "fc1=0")),
        ("compile", "--bits=-1", "--bits: must be at least 1, not -1"),
        ("compile", "--leak-bits=8.0", "--leak-bits: must be an integer, not '8.0'"),
        ("verify", "--jobs=-2", f"--jobs: must be an integer of 1..{MAX_NUMBER}, not '-2'"),
        ("verify", "--stalls=nan", "--stalls: must be 0 or more and below 1, not 'nan'"),
        ("verify", "--stalls=inf", "--stalls: must be 0 or more and below 1, not 'inf'"),
        ("verify", "--stalls=1", "--stalls: must be 0 or more and below 1, not '1'"),
        ("verify", "--stalls=-0.5", "--stalls: must be 0 or more and below 1, not '-0.5'"),
        ("train", "--lr=fast", "--lr: must be a number, not 'fast'"),
        ("train", "--epochs=1.5", "--epochs: must be an integer, not '1.5'"),
        ("synth", "--frequency=0", f"--frequency: must be an integer of 1..{MAX_NUMBER}, not '0'"),
    ],
)  # fmt: skip
def test_numbers_out_of_range(capsys, command, option, sentence):
    with pytest.raises(SystemExit) as caught:
        cli.main([command, *REQUIRED[command], option])
    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: argument {sentence}\n")


@pytest.mark.parametrize("seed", ["0", "1", str(MAX_NUMBER)])
def test_every_seed_in_range_is_taken(tmp_path, seed):
    """A file that is not there is what is wrong then, and not the seed."""
    assert cli.main(["compile", str(tmp_path / "none.pt"), "--out", str(tmp_path / "rtl"), "--seed", seed]) == 1


def test_values():
    assert (positive("1"), natural("0"), natural("007")) == (1, 0, 7)
    assert (number(int)("-3"), number(float)("1e-4"), share("0.25"), share("0")) == (-3, 1e-4, 0.25, 0.0)
    lanes = per_layer(int, 0)("8,fc1=4")
    assert (lanes["fc1"], lanes["fc2"]) == (4, 8)
