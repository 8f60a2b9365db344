"""Numbers as a reader says them."""

import pytest

from sweep.analysis import wording
from sweep.records import Domain, Provenance, Scope


@pytest.mark.parametrize(
    ("joules", "said"),
    [
        (None, "unknown"),
        (0.0, "0 J"),
        (0.0123, "12.3 mJ"),
        (1.234, "1.23 J"),
        (999.4, "999 J"),
        (999.7, "1.00 kJ"),
        (12_345.0, "12.3 kJ"),
        (5.5e6, "5.50 MJ"),
        (-70.5, "-70.5 J"),
    ],
)
def test_energy(joules: float | None, said: str) -> None:
    assert wording.energy(joules) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "unknown"), (float("inf"), "unknown"), (41.6, "42 s"), (200.0, "3 min 20 s"), (7500.0, "2 h 05 min")],
)
def test_duration(seconds: float | None, said: str) -> None:
    assert wording.duration(seconds) == said


def test_a_saving_that_is_none_is_told_as_a_cost() -> None:
    assert wording.saved(0.71, 0.04) == "71 % ± 4 of the joules saved"
    assert wording.saved(-4.29) == "429 % more joules"


def test_shares_and_gains_keep_the_digits_their_uncertainty_deserves() -> None:
    assert wording.share(0.714, 0.041) == "71 % ± 4"
    assert wording.share(0.714, 0.004) == "71.4 % ± 0.4"
    assert wording.share(0.02) == "2.0 %"
    assert wording.gain(-0.004, in_points=True, u=0.006) == "-0.4 ± 0.6 points"
    assert wording.gain(0.5, in_points=False) == "+0.5"


def test_only_what_differs_is_named() -> None:
    new, old = {"batch_size": 1024, "lr": 0.01}, {"batch_size": 64, "lr": 0.01}
    assert wording.change(new, old, ("batch_size", "lr")) == "batch_size 1024 instead of 64"


def _domain(name: str, provenance: str, scope: Scope | None = None, *, additive: bool = True) -> Domain:
    return Domain(
        name=name,
        provenance=Provenance(provenance),
        scope=scope,
        scale_u_rel=0.1,
        random_u_rel=0.1,
        additive=additive,
    )


@pytest.mark.parametrize(
    ("domains", "said"),
    [
        ([], "of unknown origin"),
        ([_domain("psys:0", "measured", additive=False)], "of unknown origin"),
        ([_domain("cpu:process", "modelled")], "cpu:process (modelled)"),
        ([_domain("gpu:0", "replayed", Scope.DEVICE)], "gpu:0 (whole device, replayed)"),
        (
            [_domain("gpu:0", "measured", Scope.DEVICE), _domain("cpu:process", "modelled", Scope.PROCESS)],
            "gpu:0 (whole device, measured) + cpu:process (this process, modelled)",
        ),
        (
            [
                _domain("gpu:0", "measured", Scope.DEVICE),
                _domain("c:0", "modelled"),
                _domain("gpu:1", "measured", Scope.DEVICE),
                _domain("psys:0", "measured", Scope.DEVICE, additive=False),
                _domain("package:0", "replayed", Scope.DEVICE),
            ],
            "gpu:0, gpu:1 (whole devices, measured) + c:0 (modelled) + package:0 (whole device, replayed)",
        ),
    ],
)
def test_the_label_says_whose_joules_are_added_and_where_they_come_from(domains: list[Domain], said: str) -> None:
    assert wording.energy_label(domains) == said


def test_power_and_short_times_keep_their_digits() -> None:
    assert wording.power(12.34, 0.123) == "12.3 W ± 0.12"
    assert wording.power(None) == "unknown"
    assert (wording.seconds(0.75), wording.seconds(200.0)) == ("0.75 s", "3 min 20 s")


def test_many_trials_are_counted_and_few_are_named() -> None:
    assert wording.trials([3]) == "trial 3"
    assert wording.trials([3, 5]) == "trials 3, 5"
    assert wording.trials(range(13)) == "13 trials"


def test_no_gain_has_no_sign() -> None:
    assert wording.gain(-0.0004, in_points=True) == "0.0 points"
