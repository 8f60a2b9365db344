"""Pretrainings that trials share: each is trained once, by the first trial that needs it.

    pretrained/<key>.json   what it cost and how it went
    pretrained/<key>.pt     its weights

The key is a hash of all that determines the weights: objective, data, trainer options, hardware, study seed and
repeat; not the paradigm. The record is written after the weights, so what has a record is whole. A trial that is
killed later leaves its pretraining behind, and its joules in its own record.

Limits: a change in the objective's code is not seen, as with the study itself.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from sweep.config import digest, plain
from sweep.records import DataInfo, Domain, Machine, SharedPhase, dumps, loads
from sweep.study.course import TrialSpec
from sweep.study.identity import environment, objective_identity

FOLDER = "pretrained"


def phase_key(spec: TrialSpec, phase: str, info: DataInfo, domains: Sequence[Domain], machine: Machine) -> str:
    """What a shared phase of a trial is known by."""
    options = plain(spec.config)
    return digest(
        {
            "phase": phase,
            "objective": objective_identity(options["objective"]),
            "trainer": {key: value for key, value in options["trainer"].items() if key != "device"},
            "seed": [spec.config.study.seed, spec.repeat],
            **environment(info, tuple(domains), machine),
        }
    )


class Pretrained:
    """The shared phases of a study.

    Args:
        folder: of the study.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def find(self, key: str) -> SharedPhase | None:
        """The phase of that key, if it was trained."""
        path = self._folder / f"{key}.json"
        if not path.is_file() or not self._weights(key).is_file():
            return None
        return loads(path.read_bytes(), SharedPhase, path)

    def load(self, key: str, model: nn.Module) -> None:
        """Put its weights into a model."""
        device = next(model.parameters()).device
        model.load_state_dict(torch.load(self._weights(key), map_location=device, weights_only=True))

    def save(self, shared: SharedPhase, model: nn.Module) -> None:
        """Keep a phase that was just trained."""
        self._folder.mkdir(parents=True, exist_ok=True)
        weights, path = self._weights(shared.key), self._folder / f"{shared.key}.json"
        for target, write in (
            (weights, lambda part: torch.save(model.state_dict(), part)),
            (path, lambda part: part.write_bytes(dumps(shared))),
        ):
            part = target.with_suffix(".partial")
            write(part)
            part.replace(target)

    def _weights(self, key: str) -> Path:
        return self._folder / f"{key}.pt"
