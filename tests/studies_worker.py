"""A worker of a study with fake trainings: python studies_worker.py URL OUT TRIALS [HANGS]

With HANGS, its second training says so in a file of this name and never ends.
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

from snn2rtl.studies import space, storage, study, worker
from snn2rtl.studies.setup import Setup
from snn2rtl.studies.tune import OBJECTIVES, make_setup
from snn2rtl.studies.worker import Report
from snn2rtl.training.tasks.mnist import MnistConfig

EPOCHS = 4
HEARTBEAT_S = 1


def setup(*search: str, objectives: tuple[str, ...] = ("accuracy",), **fixed: object) -> Setup[MnistConfig]:
    """Return a setup; lr and dropout are varied where nothing else is said."""
    searched = space.parse_flags(list(search) or ["lr=1e-4:1e-2:log", "dropout=0.1:0.5"], MnistConfig.kinds())
    options = {"hold_out": 10, "epochs": EPOCHS} | fixed
    return make_setup(MnistConfig.from_dict(options), searched, {name: OBJECTIVES[name] for name in objectives})


def fake(config: MnistConfig, out: Path, report: Report) -> dict[str, float]:
    """Learn best at a rate of 1e-3 without dropout."""
    accuracy = 100 - 10 * abs(math.log10(config.lr) + 3) - config.dropout
    for epoch in range(1, config.epochs + 1):
        report(epoch, accuracy - 10 / epoch)
    return {"accuracy": accuracy, "nonzeros": 1e6 * config.lr, "spikes": 30 * config.dropout, "membrane_bits": 100}


def main(url: str, out: str, trials: str, hangs: str = "") -> None:
    begun = 0

    def slow(config: MnistConfig, folder: Path, report: Report) -> dict[str, float]:
        nonlocal begun
        begun += 1
        if hangs and begun == 2:
            Path(hangs).write_text(folder.name)
            time.sleep(600)
        time.sleep(0.3)
        return fake(config, folder, report)

    opened = storage.open_storage(storage.parse_url(url), HEARTBEAT_S)
    here = setup()
    storage.use_our_log()
    shared = study.open_study(opened, "shared", here)
    worker.work(opened, shared, here, slow, Path(out), int(trials), poll_s=0.2)


if __name__ == "__main__":
    main(*sys.argv[1:])
