"""The report as Markdown for a pull request: what it says, and that nothing of a user's is markup in it."""

import re

import msgspec
import pytest

from sweep.records import StudyData
from sweep.report.markdown import MAX_FRONT, to_markdown
from tests.factories import repeats, sixteen, study, trial
from tests.layer_factories import nasty_layers

STUDIES = {
    "no trial": study([]),
    "one trial": study([trial()]),
    "markup in names": nasty_layers(),
    "three repeats": sixteen(3),
}


@pytest.mark.parametrize("data", STUDIES.values(), ids=list(STUDIES))
def test_tables_are_whole_and_markup_is_none(data: StudyData) -> None:
    text = to_markdown(data)
    assert text.startswith("# ")
    assert text.endswith("\n")
    assert "## What to do" in text
    assert "<script" not in text
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in block.splitlines()}) == 1


def test_it_names_the_recommendation_its_price_and_its_provenance() -> None:
    text = to_markdown(sixteen(3))
    assert "batch\\_size 1024 instead of 64" in text
    assert "modelled" in text
    assert "The search spent" in text


def test_nothing_to_recommend_says_why() -> None:
    assert "Nothing can be recommended: no trial has ended yet." in to_markdown(study([]))


def test_a_long_front_keeps_its_ends() -> None:
    curve = [0.5 + 0.004 * epoch for epoch in range(100)]
    text = to_markdown(study(repeats({"lr": 0.1}, [curve, curve])))
    rows = [row for row in text.splitlines() if re.match(r"\| \d", row)]
    assert len(rows) == MAX_FRONT
    assert rows[0].startswith("| 1 |")
    assert rows[-1].startswith("| 100 |")
    assert f"{MAX_FRONT} of its 100 points" in text


def test_a_line_feed_of_a_user_begins_no_block() -> None:
    evil = "a\n\n# b\n```\n| c |"
    records = [*repeats({"x": evil}, [(0.8,), (0.81,)]), *repeats({"x": "y"}, [(0.5,), (0.51,)], first=2, epoch_j=90.0)]
    text = to_markdown(study(records, name=evil, notice=evil))
    prose = re.sub(r"^(`{3,})sh\n.*?^\1\n", "", text, flags=re.MULTILINE | re.DOTALL)
    assert not re.search(r"^# b|^```|^\| c", prose, re.MULTILINE)


def test_backticks_of_a_command_end_no_code() -> None:
    data = study([trial(params={"x": "`a`"}), trial(1, params={"x": "```"}, qualities=(0.1,))])
    data = msgspec.structs.replace(data, study=msgspec.structs.replace(data.study, command="sweep 'a=``'"))
    text = to_markdown(data)
    assert "Command: ``` sweep 'a=``' ```" in text
    assert "```sh\nsweep" in text


def test_what_the_search_emitted_stands_beside_its_joules() -> None:
    assert re.search(r"The search emitted .* of CO2e", to_markdown(sixteen(3)))


def test_repeats_are_those_that_were_run() -> None:
    records = [*repeats({"x": 1}, [(0.8,), (0.81,), (0.8,)]), *repeats({"x": 2}, [(0.5,)], first=3)]
    assert "1 to 3 repeats of each" in to_markdown(study(records, repeats=1))
    assert "3 repeats of each" in to_markdown(study(records[:3], repeats=1))
