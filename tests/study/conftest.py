"""Studies in brief: drawing the page takes longer than the trials of a toy study, and tests/report looks at pages."""

from collections.abc import Iterator

import pytest

from sweep.report import build

RENDER = build.render


@pytest.fixture(scope="module", autouse=True)
def _in_brief() -> Iterator[None]:
    """Every study's page is empty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "render", lambda *_: "<!doctype html>")
        yield


@pytest.fixture
def whole_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw it after all."""
    monkeypatch.setattr(build, "render", RENDER)
