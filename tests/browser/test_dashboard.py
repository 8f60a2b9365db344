"""The study in Optuna dashboard: a real server process, looked at with headless Chromium."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import optuna
import pytest
from counting import until
from playwright.sync_api import Browser, Page, expect

from sweep.__main__ import Reports, main
from sweep.records import TrialRecord, loads
from sweep.study.sampling import distributions
from sweep.study.store import StudyStore
from tests.browser.reading import PATIENCE_MS
from tests.layer_factories import layered
from tests.paradigm_factories import three_paradigms

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
NAME = "dash <b>é"
STUDY = "dashboard/studies/1"
FIGURES = {
    "learning_curves": ".scatterlayer .trace",
    "hypervolume": ".scatterlayer .trace",
    "break_even": ".scatterlayer .trace",
    "layer_energy": ".treemaplayer path.surface",
}
"""Each figure, and what is in it once it is drawn."""
EVIL = "<img src=x onerror=alert(1)>"
SPACE = ["search.space.batch_size=[16,64]", "search.space.lr=[0.1]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of two setups, one of which crashed in an earlier session."""
    folder = tmp_path_factory.mktemp("dashboard")
    task = ["objective=custom", "objective._target_=toy_tasks.CrashesOnce", f"++objective.marker={folder}/marker"]
    for _ in range(2):
        main([*task, *SPACE, "trainer.max_epochs=2", f'study.name="{NAME}"', f"study.dir={folder}/study"])
    return folder / "study"


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with paradigms and layers, whose names try to be markup, as a session would store and show it."""
    folder = tmp_path_factory.mktemp("planted")
    data = layered(three_paradigms(1), layers={EVIL: (EVIL, 1.0), f"{EVIL}.0": ("Linear", 1.0)})
    trials = [msgspec.structs.replace(trial, number=n, message=EVIL) for n, trial in enumerate(data.trials[:12])]
    data = msgspec.structs.replace(data, trials=trials, study=msgspec.structs.replace(data.study, name=EVIL))
    reports = Reports(confidence=0.95)
    with StudyStore.create(folder, EVIL, "accuracy") as store:
        store.save_study(data.study)
        space = distributions(data.study.dimensions)
        for record in trials:
            store.study.enqueue_trial(record.params)
            store.save_trial(store.study.ask(space), record, reports.trial_view(data.study, record))
        store.show(reports.study_view(data))
    return folder


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def serving(*args: str) -> Iterator[str]:
    """``sweep dashboard`` in a process of its own; gives its address."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "sweep", "dashboard", *args, "--port", str(port)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert server.stdout is not None
        said = []
        for line in server.stdout:  # ends if the server does
            said.append(line)
            if "Hit Ctrl-C" in line:
                break
        assert server.poll() is None, "".join(said)
        until(lambda: _listens(port) or server.poll() is not None)  # it says so a moment before it does
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.communicate(timeout=120)


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """Where ``sweep dashboard DIR`` serves the study that ran."""
    with serving(str(folder)) as url:
        yield url


@pytest.fixture(scope="module")
def planted_address(planted: Path) -> Iterator[str]:
    """Where ``sweep dashboard --storage URL`` serves the planted study."""
    with serving("--storage", f"sqlite:///{planted}/study.db") as url:
        yield url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that may ask nobody but the server, shows no alert and fails in nothing."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
    context.set_default_timeout(PATIENCE_MS)
    context.route(lambda url: "//127.0.0.1:" not in url, lambda route: route.abort())
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: (wrong.append(f"alert {dialog.message}"), dialog.dismiss()))
    page.on("response", lambda answer: wrong.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
    yield page
    context.close()
    assert wrong == []


def test_the_study_is_listed_with_its_metrics(address: str, page: Page) -> None:
    page.goto(f"{address}/dashboard")
    page.get_by_text(NAME).first.click()
    front = page.get_by_text("Pareto Front").locator("xpath=ancestor::*[contains(@class, 'MuiCard-root')]")
    expect(front).to_contain_text("accuracy")
    expect(front).to_contain_text("energy_j")


def test_the_study_note_recommends_and_shows_names_as_text(address: str, page: Page) -> None:
    page.goto(f"{address}/{STUDY}/note")
    expect(page.get_by_role("heading", name=NAME)).to_be_visible()
    expect(page.get_by_text("The search spent")).to_be_visible()
    expect(page.get_by_text("The report's front is of whole trajectories")).to_be_visible()


def test_a_trial_shows_note_attributes_and_its_record_to_download(address: str, page: Page, folder: Path) -> None:
    page.goto(f"{address}/{STUDY}/trials?numbers=1")
    expect(page.get_by_text("Ended by max epochs after 2 epochs: accuracy")).to_be_visible()
    for attribute in ("stop reason max epochs", "effective batch size", "provenance of cpu:process modelled"):
        expect(page.get_by_text(attribute)).to_have_count(1)
    with page.expect_download() as download:
        page.locator("a[download='trial-1.json']").click()
    record = loads(Path(download.value.path()).read_bytes(), TrialRecord)
    assert (record.number, record.stop_reason) == (1, "max_epochs")


def test_a_trial_note_has_a_table_of_joules_by_phase_and_domain(address: str, page: Page) -> None:
    page.goto(f"{address}/{STUDY}/trials?numbers=1")
    table = page.locator("table", has_text="supervised: train")
    expect(table.locator("th")).to_have_text(["phase", "time", "cpu:process", "memory:process", "total"])
    cells = table.locator("tr", has_text="supervised: train").locator("td")
    expect(cells.nth(2)).to_have_text(re.compile(r"^[\d.]+ m?J$"))


def test_a_trial_shows_the_picture_of_its_learning_curve(address: str, page: Page) -> None:
    page.goto(f"{address}/{STUDY}/trials?numbers=1")
    picture = page.locator("img[alt='learning_curve.svg']")
    expect(picture).to_be_visible()
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=picture.element_handle())


def test_a_trial_has_tables_to_download(address: str, page: Page) -> None:
    page.goto(f"{address}/{STUDY}/trials?numbers=1")
    for name in ("layers.csv", "learning_curve.csv"):
        with page.expect_download() as download:
            page.locator(f"a[download='{name}']").click()
        rows = Path(download.value.path()).read_text().splitlines()
        assert rows[0].startswith("number,phase,")
        assert {row.partition(",")[0] for row in rows[1:]} == {"1"}


def test_figures_of_what_the_dashboard_lacks_are_drawn(planted_address: str, page: Page) -> None:
    page.goto(f"{planted_address}/{STUDY}")
    for name, mark in FIGURES.items():
        figure = page.locator(f"[id='user-defined-plot:{name}']")
        expect(figure.locator(".gtitle")).to_be_visible()
        expect(figure.locator(mark)).not_to_have_count(0)


def test_names_that_try_to_be_markup_are_text(planted_address: str, page: Page) -> None:
    """Alerts and requests for their pictures would be seen by the page's fixture."""
    for path in ("", "/note", "/trials?numbers=1"):
        page.goto(f"{planted_address}/{STUDY}{path}")
        expect(page.get_by_text(EVIL).first).to_be_visible()
        expect(page.locator("img[src='x'], img[src$='/x']")).to_have_count(0)


def test_files_are_found_beside_a_storage(planted_address: str, page: Page) -> None:
    page.goto(f"{planted_address}/{STUDY}/trials?numbers=1")
    with page.expect_download() as download:
        page.locator("a[download='layers.csv']").click()
    assert EVIL in Path(download.value.path()).read_text()


def test_a_crash_is_told_with_its_traceback_line_by_line(address: str, page: Page) -> None:
    page.goto(f"{address}/{STUDY}/trials?numbers=0")
    expect(page.get_by_text("Crashed after 0 epochs")).to_be_visible()
    shown = page.locator("pre code").inner_text()
    assert shown.splitlines()[0] == "RuntimeError: out of memory, say"
    assert "Traceback (most recent call last):" in shown.splitlines()


def test_optunas_own_dashboard_finds_metric_names_and_attributes(folder: Path) -> None:
    study = optuna.load_study(study_name=NAME, storage=f"sqlite:///{folder}/study.db")
    assert study.metric_names == ["accuracy", "energy_j"]
    assert [trial.state.name for trial in study.trials] == ["FAIL", "COMPLETE", "COMPLETE"]
    assert study.trials[1].user_attrs["stop reason"] == "max epochs"
    assert len(study.best_trials) >= 1
