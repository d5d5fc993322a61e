"""``snn2rtl data``: what a file of a data set holds, and whether it is whole."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.table import Table

from snn2rtl.commands.arguments import natural
from snn2rtl.commands.outcome import Outcome
from snn2rtl.data import shd, shd_statistics
from snn2rtl.errors import OptionError
from snn2rtl.progress import bar

HELP = "check a file of a data set and say what it holds"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("action", choices=["inspect"], help="read the whole file, check it, count what it holds")
    add("dataset", choices=["shd"], help="spoken digits as spikes")
    add("file", type=Path, nargs="?", help=".h5 or .h5.gz [the 200 recordings of examples/shd]")
    add("--plots", type=Path, metavar="DIR", help="folder for rasters and histograms, as PNG and SVG")
    add("--samples", type=_numbers, metavar="N,...", help="recordings to plot [six of different classes]")


def run(args: argparse.Namespace) -> Outcome:
    """Inspect the file as the options say.

    Raises:
        DataError: see snn2rtl.data.shd.
        OptionError: --samples names a recording that the file does not have.
    """
    if args.plots:
        from snn2rtl import plots
        from snn2rtl.data import shd_plots  # before the work, so that what is missing is told at once

        plots.check_folder(args.plots)
    path = args.file or shd.excerpt()
    with shd.open_shd(path) as file:
        for number in args.samples or ():
            if number >= len(file):
                raise OptionError(f"--samples: must be 0..{len(file) - 1}, not {number}")
        with bar("inspect", len(file)) as advance:
            found = shd_statistics.observe(file, advance)
        data = {"file": str(path), "note": file.note, "regenerated": file.is_regenerated}
        data |= shd_statistics.to_dict(found)
        shown: list[Table | str] = [file_table(data), classes_table(data), speakers_table(data)]
        if args.plots:
            files = plots.write(shd_plots.draw(file, found, args.samples), args.plots)
            data["plots"] = [str(one) for one in files]
            shown.append(f"wrote {len(files)} files to {args.plots}")
    return Outcome(data, tuple(shown))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(natural(item) for item in text.split(","))


def file_table(data: dict[str, Any]) -> Table:
    """Return what is known of the whole file."""
    table = Table(title=f"SHD, {data['file']}", title_justify="left", caption_justify="left", show_header=False)
    rows = {
        "recordings": f"{data['recordings']:,}",
        "classes": str(len(data["classes"])),
        "speakers": ", ".join(str(one["speaker"]) for one in data["speakers"]),
        "spikes": f"{data['spikes']:,}",
        "spikes a recording": _spread(data["spikes_a_recording"], ""),
        "last spike": _spread(data["last_spike_ms"], " ms"),
        "units": f"{data['units']}, of which {data['units_that_never_spike']} never spike",
        "mean rate of a unit": f"{data['mean_rate_of_a_unit_hz']:.1f} Hz, until a recording's last spike",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    table.caption = f"the file's note: {data['note'] or 'none'}"
    return table


def classes_table(data: dict[str, Any]) -> Table:
    """Return recordings and spikes by class."""
    return _groups("classes", ("label", "word", "recordings", "mean_spikes", "mean_last_spike_ms"), data["classes"])


def speakers_table(data: dict[str, Any]) -> Table:
    """Return recordings and spikes by speaker."""
    keys = ("speaker", "recordings", "english", "german", "mean_spikes", "mean_last_spike_ms")
    return _groups("speakers", keys, data["speakers"])


def _groups(title: str, keys: tuple[str, ...], groups: list[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left")
    headings = {"mean_spikes": "mean spikes", "mean_last_spike_ms": "mean last spike, ms"}
    for key in keys:
        table.add_column(headings.get(key, key), justify="left" if key == "word" else "right")
    for group in groups:
        values = (group[key] for key in keys)
        table.add_row(*(f"{value:,.1f}" if isinstance(value, float) else str(value) for value in values))
    return table


def _spread(values: dict[str, float], unit: str) -> str:
    return ", ".join(f"{name} {value:,.0f}{unit}" for name, value in values.items())
