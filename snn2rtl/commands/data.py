"""``snn2rtl data``: what a file of a data set holds, and whether it is whole; its samples for other commands."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from snn2rtl.commands.arguments import natural, number, positive
from snn2rtl.commands.outcome import Outcome
from snn2rtl.data import shd, shd_cache, shd_statistics
from snn2rtl.data.events import Binning
from snn2rtl.errors import OptionError
from snn2rtl.fixed_point import IntArray
from snn2rtl.int_net.reference import Spikes
from snn2rtl.output import write_file
from snn2rtl.progress import bar
from snn2rtl.training.tasks.shd import ShdConfig

HELP = "check a file of a data set and say what it holds, or write its samples as --data takes them"
BINNING = ShdConfig().binning()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add(
        "action",
        choices=["inspect", "bin"],
        help="inspect: read the whole file, check it, count what it holds; bin: write its samples to --out",
    )
    add("dataset", choices=["shd"], help="spoken digits as spikes")
    add("file", type=Path, nargs="?", help=".h5 or .h5.gz [the 200 recordings of examples/shd]")
    add("--plots", type=Path, metavar="DIR", help="folder for rasters and histograms, as PNG and SVG")
    add("--samples", type=_numbers, metavar="N,...",
        help="recordings to plot [six of different classes] or to write [all]")  # fmt: skip
    add("--out", type=Path, metavar="NPZ", help="bin: file of spikes [T, N, inputs], 0 or 1, and labels [N]")
    add("--step-ms", type=number(float), default=BINNING.step_ms, metavar="N",
        help="bin: a time step in milliseconds [%(default)s]")  # fmt: skip
    add("--time-steps", type=positive, default=BINNING.time_steps, metavar="N",
        help="bin: time steps of a sample [%(default)s]")  # fmt: skip
    add("--channels", type=positive, default=BINNING.channels, metavar="N",
        help="bin: channels that the 700 units are pooled to [%(default)s]")  # fmt: skip
    add("--levels", type=_numbers, default=(1,), metavar="N,...",
        help="bin: an input of each channel for each, 1 where at least so many events come in a step [1]")  # fmt: skip


def run(args: argparse.Namespace) -> Outcome:
    """Inspect the file, or write its samples, as the options say.

    Raises:
        DataError: see snn2rtl.data.shd.
        OptionError: an option is missing or out of its range, or --samples names a recording that is not in the file.
        OutputError: a file cannot be written.
    """
    return _bin(args) if args.action == "bin" else _inspect(args)


def _bin(args: argparse.Namespace) -> Outcome:
    if args.out is None:
        raise OptionError("--out: must be the .npz to write to, not left out")
    binning = Binning(step_ms=args.step_ms, time_steps=args.time_steps, channels=args.channels, levels=args.levels)
    found = shd_cache.load(args.file or shd.excerpt(), binning)
    _check_samples(args.samples, len(found))
    chosen = np.arange(len(found)) if args.samples is None else np.array(args.samples)
    spikes, labels = found.batch(chosen), found.labels[chosen]
    write_file(args.out, lambda partial: _save(partial, spikes, labels))
    data = {"out": str(args.out), "shape": list(spikes.shape), "spikes": int(spikes.sum(dtype=np.int64))}
    return Outcome(data, (f"wrote {data['spikes']:,} spikes of shape {spikes.shape} and labels to {args.out}",))


def _save(path: Path, spikes: Spikes, labels: IntArray) -> None:
    with path.open("wb") as file:  # a path would get the ending .npz
        np.savez_compressed(file, spikes=spikes, labels=labels)


def _check_samples(numbers: tuple[int, ...] | None, recordings: int) -> None:
    for one in numbers or ():
        if one >= recordings:
            raise OptionError(f"--samples: must be 0..{recordings - 1}, not {one}")


def _inspect(args: argparse.Namespace) -> Outcome:
    if args.plots:
        from snn2rtl.data import shd_plots  # before the work, so that what is missing is told at once
        from snn2rtl.measure import plots

        plots.check_folder(args.plots)
    path = args.file or shd.excerpt()
    with shd.open_shd(path) as file:
        _check_samples(args.samples, len(file))
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
