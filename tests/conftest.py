"""What all tests share: the environment of the product, and tools that a machine may lack."""

import os

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # as ``python -m sweep`` does it, before anything loads torch

import shutil
from collections.abc import Callable

import pytest


@pytest.fixture(scope="session")
def require_tool() -> Callable[[str], str]:
    """Path of an executable; without it the test is skipped, or fails if SWEEP_REQUIRE_TOOLS=1."""

    def require(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            reason = f"{name} is not installed (Debian: apt-get install {name})"
            if os.environ.get("SWEEP_REQUIRE_TOOLS") == "1":
                pytest.fail(reason)
            pytest.skip(reason)
        return path

    return require
