"""Pages of experiments: each experiment has one, what they point to exists, and their commands are commands."""

import re
import shlex
from pathlib import Path

import pytest

from sweep import compose
from sweep.cli import commands

ROOT = Path(__file__).parents[1]
INDEX = ROOT / "docs" / "experiments" / "README.md"
PAGES = sorted([*(ROOT / "docs" / "experiments").glob("*.md"), ROOT / "docs" / "compare.md"])
EXPERIMENTS = sorted(path.stem for path in (ROOT / "conf" / "experiment").glob("*.yaml"))


def lines(page: Path) -> list[str]:
    """Lines of the code blocks, without comments."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    return [line.split(" #")[0].strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]


COMMANDS = [
    (page.name, line.removeprefix("python -m sweep "))
    for page in PAGES
    for line in lines(page)
    if line.startswith("python -m sweep ")
]
OPTIONS = [line for page in PAGES for line in lines(page) if line.startswith("report")]


@pytest.fixture(autouse=True)
def _in_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    compose.prepare()


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_stands_in_the_index_with_its_page(name: str) -> None:
    row = re.search(rf"^\| `{name}` \|.*\]\((\S+)\) \|$", INDEX.read_text(), re.MULTILINE)
    assert row is not None
    assert (INDEX.parent / row[1]).is_file()
    assert f"+experiment={name}" in (INDEX.parent / row[1]).read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere_and_tables_are_whole(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []
    for block in re.findall(r"(?:^\|.*\n)+", page.read_text(), re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in block.splitlines()}) == 1, block


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 6
    assert len(OPTIONS) >= 4


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_commands(page: str, line: str) -> None:
    words = shlex.split(line)
    if words[0].isidentifier():
        assert words[0] in commands(), page
    else:
        compose.compose_config(words)


@pytest.mark.parametrize("line", OPTIONS)
def test_options_of_the_report(line: str) -> None:
    compose.compose_config(["+experiment=pamap2", *shlex.split(line)])
