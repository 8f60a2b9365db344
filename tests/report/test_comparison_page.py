"""The page of two studies is valid and safe; its JSON is whole; the command reads records alone."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import html5lib
import pytest

from sweep.__main__ import main
from sweep.analysis.comparing.comparison import Comparison, compare_studies
from sweep.observer import TrialView
from sweep.records import StudyData
from sweep.report.comparison import CAPTIONS, comparison_dict, render
from sweep.report.comparison_charts import comparison_figures, energies_info, shares_info
from sweep.study.store import StudyStore
from tests.comparable import FACTOR, SLOW_64, laptop, with_config, with_study, workstation
from tests.factories import nasty, repeats, study

ROOT = Path(__file__).parents[2]
EVIL = "<script>alert(1)</script>"
ONE = study(repeats({"lr": 0.1}, [(0.8,)]))
FOUND = {
    "repeats": compare_studies(workstation(), laptop()),
    "measured against modelled": compare_studies(workstation(1), laptop(1, measured=True)),
    "markup in names": compare_studies(nasty(), with_study(nasty(), command=EVIL)),
    "one setup": compare_studies(ONE, with_config(ONE, "trainer", optimizer=EVIL)),
}


@pytest.fixture(scope="module", params=list(FOUND.values()), ids=list(FOUND))
def found(request: pytest.FixtureRequest) -> Comparison:
    return request.param  # type: ignore[no-any-return]


def without_plotly(page: str) -> str:
    return re.sub(r"<script>.*?</script>", "<script></script>", page, flags=re.DOTALL)


def test_the_page_is_valid_html_that_fetches_nothing_and_escapes_names(found: Comparison) -> None:
    page = without_plotly(render(found, f"sweep compare {EVIL} b"))
    html5lib.HTMLParser(strict=True).parse(page)
    assert re.findall(r"""(?:src|href|action)=["']?([^"'\s>]+)""", page) == ["data:,"]
    assert "Content-Security-Policy" in page
    assert EVIL not in page
    assert "<b>x</b>" not in page


def test_figures_need_no_eval(found: Comparison) -> None:
    figures = comparison_figures(found)
    assert figures.keys() == CAPTIONS.keys()
    assert {trace.type for figure in figures.values() for trace in figure.data} <= {"scatter", "bar"}
    assert EVIL not in "".join(figure.to_json() for figure in figures.values())


def test_the_warning_comes_before_the_first_number() -> None:
    page = without_plotly(render(FOUND["measured against modelled"], "x"))
    assert page.index("modelled joules stand beside measured ones") < page.index('id="carries"')
    assert "B / A<br>(measured / modelled)" in page
    assert "Not the same thing" not in without_plotly(render(FOUND["repeats"], "x"))


def test_the_numbers_of_the_charts() -> None:
    numbers = energies_info(FOUND["repeats"])
    assert len(numbers.x) == len(numbers.y) == len(numbers.labels) == 16
    assert [letter for letter, _, _ in numbers.stars] == ["A", "B"]
    (x0, _), (y0, _) = numbers.guide
    assert y0 / x0 == pytest.approx(FOUND["repeats"].overall.mean)
    assert numbers.x_title == "A: energy (modelled J)"
    bars = shares_info(FOUND["repeats"])
    assert max(bars.a) == max(bars.b) == 100.0
    assert bars.a == sorted(bars.a)
    assert bars.setups[-1] == "batch_size 64, lr 0.0001"


def test_the_json_is_whole(found: Comparison) -> None:
    told = json.loads(json.dumps(comparison_dict(found), allow_nan=False))
    assert list(told) == [
        "schema_version",
        "confidence",
        "a",
        "b",
        "warnings",
        "differences",
        "sentences",
        "setups",
        "unmatched",
        "overall",
        "ranks",
        "carries",
        "paradigms",
    ]
    assert {item["topic"] for item in told["differences"] if item["serious"]} == {i.topic for i in found.serious}


def test_the_json_has_the_numbers() -> None:
    told = comparison_dict(FOUND["repeats"])
    first = next(item for item in told["setups"] if item["params"]["batch_size"] == 64)
    assert first["b"]["epoch_j"] / first["a"]["epoch_j"] == pytest.approx(FACTOR * SLOW_64, rel=0.05)
    carries = {(item["kind"], item["chosen_in"]): item for item in told["carries"]}
    assert carries["recommendation", "A"]["choice"]["params"]["batch_size"] == 1024
    assert carries["most_accurate", "B"]["is_same"] is True


def stored(folder: Path, data: StudyData) -> Path:
    with StudyStore.create(folder, "study", data.study.quality_name) as store:
        store.save_study(data.study)
        for record in data.trials:
            frozen = store.study.ask()
            store.save_trial(frozen, record, TrialView(""))
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    root = tmp_path_factory.mktemp("studies")
    pair = (workstation(1), laptop(1, measured=True))
    made = [with_config(data, "report", confidence=0.9) for data in pair]
    return str(stored(root / "a", made[0])), str(stored(root / "b", made[1]))


def test_the_command_writes_a_page_beside_the_first_study(
    folders: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *folders]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert path == Path(folders[0]).parent / "a-and-b" / "comparison.html"
    assert "90 % intervals" in path.read_text()


def test_out_says_where(folders: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *folders, "--out", str(tmp_path / "new" / "folder")]) == 0
    assert (tmp_path / "new" / "folder" / "comparison.html").is_file()
    capsys.readouterr()


def test_json_goes_to_standard_output(folders: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *folders, "--format", "json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (told["a"]["trials"], told["confidence"]) == (16, 0.9)


def test_bad_input(folders: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    for args, message in (
        ([folders[0], folders[0]], "are one study: give the folders of two"),
        ([folders[0], str(tmp_path / "nowhere")], "nowhere"),
        ([*folders, "--out", str(blocked)], "the comparison cannot be written to"),
    ):
        assert main(["compare", *args]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert message in error
        assert len(error.splitlines()) == 1


def test_it_needs_no_torch(folders: tuple[str, str]) -> None:
    code = (
        "import sys; from sweep.__main__ import main; code = main(sys.argv[1:]);"
        "print('torch' in sys.modules); sys.exit(code)"
    )
    args = ["compare", *folders, "--format", "json"]
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "False"
