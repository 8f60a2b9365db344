"""Study names become safe folders."""

from pathlib import Path

import pytest

from sweep.study import naming


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pamap2", "pamap2"),
        ("../../x", "x"),
        ("<script>alert(1)</script>", "script-alert-1-script"),
        ("über größe", "uber-groe"),
        ("...", "study"),
        ("日本", "study"),
        ("a/b\\c", "a-b-c"),
        ("a" * 300, "a" * 80),
    ],
)
def test_slug_is_one_safe_component(name: str, expected: str) -> None:
    assert naming.slug(name) == expected


def test_folder_stays_below_reports_whatever_the_name() -> None:
    folder = naming.folder_of("../../../etc/passwd", None)
    assert folder.parent == Path("reports")


def test_the_default_name_tells_synthetic_data_apart() -> None:
    assert naming.default_name("pamap2", "synthetic") != naming.default_name("pamap2", "local")


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    assert naming.folder_of("any", "~/studies/x") == Path("/somewhere/studies/x")
