"""The command line: parse, call, print.

Results go to stdout, logs to stderr; exit codes are 0, 1 (our clear error) and 2 (usage).
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import signal
from collections.abc import Sequence

from snn2rtl.commands.outcome import Outcome
from snn2rtl.errors import Snn2RtlError
from snn2rtl.flows.process import Programs
from snn2rtl.signals import ENDED, ending_signals
from snn2rtl.streams import complain, prepare_streams, print_results
from snn2rtl.version import __version__

COMMANDS = ("train", "prune", "tune", "compile", "export", "explore", "measure", "verify", "simulate", "synth", "data")
EXTRAS = {  # package: its extra
    "torch": "train",
    "spikingjelly": "train",
    "optuna": "tune",
    "sqlalchemy": "tune",
    "psycopg": "tune",
    "matplotlib": "plots",
    "h5py": "data",
    "pyverilog": "synth",
}


class _Log(logging.Handler):
    """Writes to what stderr is now: rich puts a console there while it shows a bar, and lines go above it."""

    def emit(self, record: logging.LogRecord) -> None:
        complain(self.format(record))


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    prepare_streams()
    args = _parser().parse_args(argv)
    level = logging.WARNING if args.quiet else logging.INFO
    logging.basicConfig(level=level, format="%(name)s: %(message)s", handlers=[_Log()], force=True)
    logging.getLogger("torch").setLevel(logging.ERROR)
    logging.getLogger("matplotlib").setLevel(logging.WARNING)
    with ending_signals(Programs.end_all):
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    try:
        outcome: Outcome | None = args.run(args)
        if outcome:
            print_results(json.dumps(outcome.data, indent=2) if args.json else outcome.shown)
    except Snn2RtlError as error:
        return _fail(str(error))
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        extra = EXTRAS.get(package)
        if extra is None:
            raise
        return _fail(f"{args.command}: needs the package {package}; install it with: pip install 'snn2rtl[{extra}]'")
    except OSError as error:
        return _fail(f"{error.filename or args.command}: {error.strerror or error}")
    except MemoryError:
        return _fail(f"{args.command}: needs more memory than there is")
    except KeyboardInterrupt:
        _fail("interrupted")
        return ENDED + signal.SIGINT
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="snn2rtl", description="From a SpikingJelly network to proven Verilog.")
    parser.add_argument("--version", action="version", version=f"snn2rtl {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = importlib.import_module(f"snn2rtl.commands.{name}")
        command = commands.add_parser(name, help=module.HELP, description=f"{module.HELP}.")
        module.add_arguments(command)
        command.add_argument("--json", action="store_true", help="print the result as JSON")
        command.add_argument("--quiet", action="store_true", help="log warnings only")
        command.set_defaults(run=module.run)
    return parser


def _fail(message: str) -> int:
    for line in message.splitlines():
        complain(f"snn2rtl: error: {line}")
    return 1
