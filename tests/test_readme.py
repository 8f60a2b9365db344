"""The README's commands are commands: each composes, or names a subcommand that exists."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from sweep import compose
from sweep.cli import commands

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = [text for kind, text in re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE) if not kind]
LINES = [line.split(" #")[0].strip() for block in BLOCKS for line in block.splitlines()]
RUNS = [line.removeprefix("python -m sweep ") for line in LINES if line.startswith("python -m sweep ")]
FRAGMENTS = [line for line in LINES if line.lstrip("'").startswith(("search.", "++search."))]
NEEDED = {"++search.vary.lr={low:0.0001,high:0.1,log:true}": ["search.sampler=tpe", "search.n_trials=4"]}


@pytest.fixture(autouse=True)
def _in_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    compose.prepare()


def test_the_readme_has_commands() -> None:
    assert len(RUNS) >= 6
    assert len(FRAGMENTS) >= 5


@pytest.mark.parametrize("line", RUNS)
def test_commands(line: str) -> None:
    words = shlex.split(line)
    if words[0].isidentifier():
        assert words[0] in commands()
    elif words != ["--help"]:
        compose.compose_config(words)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize("line", [*RUNS, *FRAGMENTS])
def test_a_shell_leaves_the_words_as_they_are(line: str) -> None:
    done = subprocess.run(["bash", "-c", f'printf "%s\\n" {line}'], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == shlex.split(line)


@pytest.mark.parametrize("line", FRAGMENTS)
def test_fragments_about_the_search_space(line: str) -> None:
    words = shlex.split(line)
    compose.compose_config(["objective=custom", "objective._target_=a.B", *words, *NEEDED.get(words[0], [])])


@pytest.mark.parametrize("target", ["sweep", "test"])
def test_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M)
    assert f"make {target}" in LINES
