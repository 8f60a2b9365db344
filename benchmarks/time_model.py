"""What error has a model that says joules = power x time? Against measured joules of single layers on two CPUs.

    git clone https://github.com/willowec/characterizing-pytorch-power
    python benchmarks/time_model.py FOLDER

FOLDER holds ``<machine>_<kind>.csv`` with the columns ``for_energy, for_time, back_energy, back_time`` (microjoules and
microseconds of one pass of one random layer, RAPL through pyRAPL; MIT) and ``net_<machine>_<net>.json`` with those of
whole networks, as src/out and src/nets/out of the repository hold them.

One power is fitted to a random half of the layers of one kind and pass, the geometric mean of joules over seconds, and
predicts the rest of its own kind and pass, the other kinds and passes, and the networks. Errors are means over
``SPLITS`` random halves. RMSPE is the root mean square of (predicted - measured) / measured, MAPE the mean of its
magnitude, "median" the median of its magnitude; sd(ln P) is the spread of power itself.

Joules or seconds that are not positive are no measurement (a counter that wrapped, or has not ticked): they are
refused, counted and named, never averaged.
"""

import argparse
import csv
import json
import math
import random
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

SPLITS = 20
PASSES = {"forward": "for", "backward": "back"}
FEW = 10
"""Fewer samples have no spread worth printing."""
TICK_S = 1e-3
"""A RAPL counter ticks about once a millisecond."""


class Sample(NamedTuple):
    """Measured joules and seconds of one pass."""

    energy_j: float
    time_s: float

    @property
    def power_w(self) -> float:
        """Mean power."""
        return self.energy_j / self.time_s


class Group(NamedTuple):
    """Layers of one kind on one machine, in one pass; ``refused`` had no positive joules or seconds."""

    machine: str
    kind: str
    direction: str
    samples: list[Sample]
    refused: int


class Error(NamedTuple):
    """Relative errors of predictions."""

    rmspe: float
    mape: float
    median: float


def usable(samples: Iterable[Sample]) -> tuple[list[Sample], int]:
    """The samples that are measurements, and how many are not."""
    every = list(samples)
    kept = [sample for sample in every if sample.energy_j > 0 and sample.time_s > 0]
    return kept, len(every) - len(kept)


def read_layers(path: Path) -> list[Group]:
    """Both passes of a file ``<machine>_<kind>.csv``."""
    machine, _, kind = path.stem.rpartition("_")
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    groups = []
    for direction, key in PASSES.items():
        pairs = [(float(row[f"{key}_energy"]), float(row[f"{key}_time"])) for row in rows]
        groups.append(Group(machine, kind, direction, *usable(Sample(e * 1e-6, t * 1e-6) for e, t in pairs)))
    return groups


def read_net(path: Path) -> list[Group]:
    """Both passes of a file ``net_<machine>_<net>.json``, a sample for each repetition."""
    data = json.loads(path.read_text(encoding="utf-8"))
    machine = path.stem.removeprefix("net_").partition("_")[0]
    return [
        Group(
            machine,
            data["net"],
            way,
            *usable(
                Sample(e * 1e-6, t * 1e-6) for e, t in zip(data[f"{way}_energy"], data[f"{way}_time"], strict=True)
            ),
        )
        for way in PASSES
    ]


def fit_power_w(samples: Sequence[Sample]) -> float:
    """The power with the least squared error of ln joules."""
    return math.exp(statistics.fmean(math.log(sample.power_w) for sample in samples))


def error_of(power_w: float, samples: Sequence[Sample]) -> Error:
    """Relative errors of ``power_w x time``."""
    errors = [power_w * sample.time_s / sample.energy_j - 1 for sample in samples]
    sizes = [abs(error) for error in errors]
    return Error(
        math.sqrt(statistics.fmean(error * error for error in errors)),
        statistics.fmean(sizes),
        statistics.median(sizes),
    )


def halves(samples: Sequence[Sample], seed: int) -> tuple[list[Sample], list[Sample]]:
    """A random half, and the rest."""
    mixed = random.Random(seed).sample(list(samples), len(samples))
    return mixed[: len(mixed) // 2], mixed[len(mixed) // 2 :]


def held_out(group: Group) -> Error:
    """Error on the half that was not fitted, mean over the splits."""
    splits = [halves(group.samples, seed) for seed in range(SPLITS)]
    return _mean(error_of(fit_power_w(fitted), rest) for fitted, rest in splits)


def across(source: Group, target: Group) -> Error:
    """Error on all of another group, mean over the splits of the fitted one."""
    return _mean(error_of(fit_power_w(halves(source.samples, seed)[0]), target.samples) for seed in range(SPLITS))


def spread(samples: Sequence[Sample]) -> float:
    """Standard deviation of ln power."""
    return statistics.stdev(math.log(sample.power_w) for sample in samples)


def _mean(errors: Iterable[Error]) -> Error:
    return Error(*(statistics.fmean(values) for values in zip(*errors, strict=True)))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in markdown."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows])


def own_table(groups: Sequence[Group]) -> str:
    """Each kind and pass predicted by itself."""
    rows = []
    for group in groups:
        short = [sample for sample in group.samples if sample.time_s < TICK_S]
        long = [sample for sample in group.samples if sample.time_s >= TICK_S]
        rows.append([
            group.machine,
            group.kind,
            group.direction,
            str(len(group.samples)),
            str(group.refused),
            f"{fit_power_w(group.samples):.1f}",
            *(f"{spread(part):.2f}" if len(part) >= FEW else "" for part in (group.samples, short, long)),
            *(f"{value:.1%}" for value in held_out(group)),
        ])  # fmt: skip
    header = ["machine", "layer", "pass", "used", "refused", "W", "sd(ln P)", "below 1 ms", "from 1 ms"]
    return table([*header, "RMSPE", "MAPE", "median"], rows)


def across_table(groups: Sequence[Group]) -> str:
    """RMSPE of each kind and pass predicted by each other one on the same machine."""
    blocks = []
    for machine in sorted({group.machine for group in groups}):
        own = [group for group in groups if group.machine == machine]
        rows = [
            [
                f"{source.kind} {source.direction}",
                *(f"{(held_out(source) if target is source else across(source, target)).rmspe:.1%}" for target in own),
            ]
            for source in own
        ]
        blocks.append(table([f"{machine}: fitted on", *(f"{target.kind} {target.direction}" for target in own)], rows))
    return "\n\n".join(blocks)


def net_table(groups: Sequence[Group], nets: Sequence[Group]) -> str:
    """Whole networks predicted by the power of the layers: of all kinds, in the same pass."""
    rows = []
    for net in nets:
        layers = [g for g in groups if (g.machine, g.direction) == (net.machine, net.direction)]
        power_w = fit_power_w([sample for group in layers for sample in group.samples])
        measured = f"{fit_power_w(net.samples):.1f}" if net.samples else f"refused ({net.refused} not positive)"
        errors = [power_w / sample.power_w - 1 for sample in net.samples]
        off = f"{statistics.fmean(errors):+.1%}" if errors else ""
        rows.append([net.machine, net.kind, net.direction, f"{power_w:.1f}", measured, off])
    return table(["machine", "network", "pass", "W of the layers", "W measured", "error of joules"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the recordings")
    folder = parser.parse_args().folder
    files = [path for kind in ("conv", "linear", "pool") for path in sorted(folder.glob(f"*_{kind}.csv"))]
    if not files:
        parser.error(f"no <machine>_conv.csv, _linear.csv or _pool.csv in {folder}: give the folder that holds them")
    every = sorted((group for path in files for group in read_layers(path)), key=lambda group: group.machine)
    groups = [group for group in every if group.samples]
    absent = [group for group in every if not group.samples]
    nets = [group for path in sorted(folder.glob("net_*.json")) for group in read_net(path)]
    print(own_table(groups), across_table(groups), net_table(groups, nets), sep="\n\n")
    for group in absent:
        print(f"\n{group.machine} {group.kind} {group.direction}: refused, none of {group.refused} is positive.")


if __name__ == "__main__":
    main()
