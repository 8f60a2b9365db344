"""A missing tool skips a test on a developer's machine and fails it where tools are promised."""

from collections.abc import Callable

import pytest


def test_a_missing_tool_skips(require_tool: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWEEP_REQUIRE_TOOLS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-tool is not installed"):
        require_tool("no-such-tool")


def test_a_missing_tool_fails_where_tools_are_required(
    require_tool: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEP_REQUIRE_TOOLS", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-tool is not installed"):
        require_tool("no-such-tool")


def test_a_present_tool_gives_its_path(require_tool: Callable[[str], str]) -> None:
    assert require_tool("sh").endswith("/sh")
