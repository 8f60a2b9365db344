"""Which windows are trained, validated and tested on.

By subject, so that nobody is both trained and tested on: windows of one person, often overlapping, on both
sides of a split flatter the result. At random only for windows that are independent of each other.
"""

from collections.abc import Sequence

import numpy as np

from objectives._window_data import Parts, WindowArrays
from sweep.errors import DataError

Subject = int | str


def split_by_subject(
    arrays: WindowArrays,
    val_subjects: Sequence[Subject] | None,
    test_subjects: Sequence[Subject] | None,
    val_share: float,
    test_share: float,
) -> Parts:
    """Give every subject to one part.

    Rule for what is not said: of k subjects in ascending order, the last ``test_share * k`` (rounded, at
    least one) are tested on; of the rest, the last ``val_share * k`` (likewise) are validated on. With two subjects
    nobody is tested on. A share of 0 means nobody.

    Raises:
        DataError: if the data name no subjects, or the choice leaves a part without windows.
    """
    if arrays.subject is None:
        raise DataError(
            f"{arrays.name} has no array subject, so it cannot be split by subject",
            "add subject (n,), or set objective.split=random if the windows are independent",
        )
    known = np.unique(arrays.subject).tolist()
    val = _known("val_subjects", val_subjects, known)
    test = _known("test_subjects", test_subjects, known)
    both = sorted(set(val or ()) & set(test or ()))
    if both:
        raise DataError(
            f"subjects {both} are both in val_subjects and in test_subjects",
            "leave each in one of objective.val_subjects and objective.test_subjects",
        )
    if test is None:
        spare = 1 if val else 2  # one subject to train on, and one to validate on
        test = _last([s for s in known if s not in (val or ())], test_share, len(known), spare)
    if val is None:
        val = _last([s for s in known if s not in test], val_share, len(known), 1)
    train = [s for s in known if s not in val and s not in test]
    _check_parts(val, train, known)
    how = f"by subject: train {_names(train)}, validation {_names(val)}, test {_names(test) or 'none'}"
    at = [np.flatnonzero(np.isin(arrays.subject, who)) for who in (train, val, test)]
    return Parts(train=at[0], val=at[1], test=at[2], how=how)


def _known(option: str, wanted: Sequence[Subject] | None, known: list[Subject]) -> list[Subject] | None:
    if wanted is None:
        return None
    if set(wanted) - set(known):
        raise DataError(
            f"{option} {list(wanted)} is not in the data ({describe_subjects(known)})",
            f"set objective.{option} to one or more of these",
        )
    return list(dict.fromkeys(wanted))


def _last(candidates: list[Subject], share: float, n_all: int, spare: int) -> list[Subject]:
    """The last ``share * n_all`` candidates, at least one, but leave ``spare`` of them."""
    count = min(max(1, round(share * n_all)), len(candidates) - spare) if share > 0 else 0
    return candidates[len(candidates) - count :] if count > 0 else []


def _check_parts(val: list[Subject], train: list[Subject], known: list[Subject]) -> None:
    if not val:
        raise DataError(
            f"no subject is left for validation ({describe_subjects(known)})",
            "set objective.val_subjects to one or more, and leave at least one other to train on",
        )
    if not train:
        raise DataError(
            f"no subject is left to train on ({describe_subjects(known)})",
            "take some out of objective.val_subjects or objective.test_subjects",
        )


def describe_subjects(known: Sequence[Subject]) -> str:
    """``subjects 1 to 8`` where they are consecutive numbers, else the list."""
    numbers = [s for s in known if isinstance(s, int)]
    if len(known) > 2 and numbers == list(range(numbers[0], numbers[0] + len(known)) if numbers else []):
        return f"subjects {numbers[0]} to {numbers[-1]}"
    return f"subjects {_names(known)}"


def _names(subjects: Sequence[Subject]) -> str:
    return ", ".join(str(subject) for subject in subjects)


def split_at_random(arrays: WindowArrays, val_share: float, test_share: float, seed: int) -> Parts:
    """Shuffle all windows and cut; overlapping windows of one person then stand in several parts.

    Raises:
        DataError: if a part would be empty.
    """
    n = len(arrays.y)
    n_val, n_test = round(val_share * n), round(test_share * n)
    if n_val < 1 or n - n_val - n_test < 1:
        raise DataError(
            f"{n} windows with val_share {val_share} and test_share {test_share} leave a part empty",
            "set objective.val_share and objective.test_share so that both leave windows",
        )
    order = np.random.default_rng(seed).permutation(n)
    how = f"random over windows (seed {seed}): {n - n_val - n_test} train, {n_val} validation, {n_test} test"
    return Parts(order[n_val + n_test :], order[:n_val], order[n_val : n_val + n_test], how)
