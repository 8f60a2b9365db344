"""The price of measuring: the same training with and without the meter, its poller and its marks.

Both run our loop; unmeasured, the recorder is one that only tells the time. A/A is the unmeasured one twice.
"""

import argparse
import os
import time

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from _paired import interleave, report
from _tasks import make_split, our_training

from sweep.energy.meters.estimated import EstimatedMeter
from sweep.energy.recorder import Recorder


class Clock:
    """A recorder that measures nothing."""

    def mark(self) -> float:
        """The time."""
        return time.monotonic()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    train_split, val_split = make_split(1200), make_split(240, seed=1)

    def unmeasured(batch_size: int) -> None:
        our_training(Clock(), train_split, val_split, batch_size, options.epochs)  # type: ignore[arg-type]

    def measured(batch_size: int) -> None:
        with Recorder(EstimatedMeter()) as recorder:
            our_training(recorder, train_split, val_split, batch_size, options.epochs)

    for batch_size in (64, 1024):
        variants = {
            "unmeasured": lambda b=batch_size: unmeasured(b),
            "unmeasured again (A/A)": lambda b=batch_size: unmeasured(b),
            "measured": lambda b=batch_size: measured(b),
        }
        costs = interleave(variants, options.rounds)
        report(f"Price of measuring, batch {batch_size}", "python benchmarks/measuring.py", costs, "unmeasured")


if __name__ == "__main__":
    main()
