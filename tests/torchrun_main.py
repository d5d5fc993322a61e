"""The command line, as torchrun runs it.

Each process leaves its weights and what it did in the folder of KEEP; products are those of float32, so that the order
of a sum is the only thing in which two processes differ from one.
"""

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from snn2rtl.cli import main
from snn2rtl.training import loop, trainer

finish = trainer._finish


def keep(run: Any, out: Path, group: Any) -> Any:
    kept = {"model": run.net.state_dict(), "history": run.history, "random": torch.rand(4)}
    torch.save(kept, Path(os.environ["KEEP"]) / f"{group.rank}.pt")
    return finish(run, out, group)


trainer._finish = keep
loop.fast_products = nullcontext
sys.exit(main(sys.argv[1:]))
