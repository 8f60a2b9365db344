"""The study in Optuna dashboard: a real server process, looked at with headless Chromium."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sweep.__main__ import main
from sweep.records import TrialRecord, loads

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
NAME = "dash <b>é"
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
def address(folder: Path) -> Iterator[str]:
    """Where ``sweep dashboard`` serves the study."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "sweep", "dashboard", str(folder), "--port", str(port)],
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
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.communicate(timeout=30)


@pytest.fixture(scope="module")
def browser(require_tool: Callable[[str], str]) -> Iterator[Browser]:
    executable = require_tool("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that may ask nobody but the server."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.route(lambda url: "//127.0.0.1:" not in url, lambda route: route.abort())
    yield context.new_page()
    context.close()


def test_the_study_is_listed_with_its_metrics(address: str, page: Page) -> None:
    page.goto(f"{address}/dashboard")
    page.get_by_text(NAME).first.click()
    front = page.get_by_text("Pareto Front").locator("xpath=ancestor::*[contains(@class, 'MuiCard-root')]")
    expect(front).to_contain_text("accuracy")
    expect(front).to_contain_text("energy_j")


def test_the_study_note_recommends_and_shows_names_as_text(address: str, page: Page) -> None:
    page.goto(f"{address}/dashboard/studies/1/note")
    expect(page.get_by_role("heading", name=NAME)).to_be_visible()
    expect(page.get_by_text("The search spent")).to_be_visible()
    expect(page.get_by_text("The report's front is of whole trajectories")).to_be_visible()


def test_a_trial_shows_note_attributes_and_its_record_to_download(address: str, page: Page, folder: Path) -> None:
    page.goto(f"{address}/dashboard/studies/1/trials?numbers=1")
    expect(page.get_by_text("Ended by max epochs after 2 epochs: accuracy")).to_be_visible()
    for attribute in ("stop_reason max_epochs", "effective_batch_size", "provenance.cpu:process modelled"):
        expect(page.get_by_text(attribute)).to_have_count(1)
    with page.expect_download() as download:
        page.locator("a[download='trial-1.json']").click()
    record = loads(Path(download.value.path()).read_bytes(), TrialRecord)
    assert (record.number, record.stop_reason) == (1, "max_epochs")


def test_a_crash_is_told_with_its_traceback_line_by_line(address: str, page: Page) -> None:
    page.goto(f"{address}/dashboard/studies/1/trials?numbers=0")
    expect(page.get_by_text("Crashed after 0 epochs")).to_be_visible()
    shown = page.locator("pre code").inner_text()
    assert shown.splitlines()[0] == "RuntimeError: out of memory, say"
    assert "Traceback (most recent call last):" in shown.splitlines()


def test_optunas_own_dashboard_finds_metric_names_and_attributes(folder: Path) -> None:
    study = optuna.load_study(study_name=NAME, storage=f"sqlite:///{folder}/study.db")
    assert study.metric_names == ["accuracy", "energy_j"]
    assert [trial.state.name for trial in study.trials] == ["FAIL", "COMPLETE", "COMPLETE"]
    assert study.trials[1].user_attrs["stop_reason"] == "max_epochs"
    assert len(study.best_trials) >= 1
