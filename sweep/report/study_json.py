"""What a study is, as JSON-ready mappings; without the bytes that say which validation samples belong together."""

from collections.abc import Iterable
from typing import Any

import msgspec

from sweep.records import StudyRecord


def study_entry(study: StudyRecord, kept: Iterable[str]) -> dict[str, Any]:
    """The named fields of a study's record; of the groups of its validation samples what they are and how many."""
    plain = msgspec.to_builtins(study)
    if study.data.val_groups is not None:
        plain["data"]["val_groups"] = {"of": study.data.val_groups.of, "n": study.data.val_groups.n}
    return {name: plain[name] for name in kept}
