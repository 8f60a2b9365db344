"""Our training loop against a plain hand-written one with a DataLoader: same model, data, batches and epochs."""

import argparse
import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from _paired import interleave, report
from _tasks import make_split, our_training, plain_training

from sweep.energy.meters.estimated import EstimatedMeter
from sweep.energy.recorder import Recorder


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    train_split, val_split = make_split(1200), make_split(240, seed=1)
    with Recorder(EstimatedMeter()) as recorder:
        for batch_size in (64, 1024):
            variants = {
                "plain loop": lambda b=batch_size: plain_training(train_split, val_split, b, options.epochs),
                "sweep": lambda b=batch_size: our_training(recorder, train_split, val_split, b, options.epochs),
            }
            costs = interleave(variants, options.rounds)
            report(f"Training loop, batch {batch_size}", "python benchmarks/loop.py", costs, "plain loop")


if __name__ == "__main__":
    main()
