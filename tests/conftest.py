"""What all tests share: the environment of the product, random numbers, and tools that a machine may lack."""

import os

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # as ``python -m sweep`` does it, before anything loads torch
if "PYTEST_XDIST_WORKER" in os.environ:  # OpenBLAS's threads spin: beside another worker they cost ten times the work
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

import random
import shutil
import sys
from collections.abc import Callable

import hypothesis
import pytest

hypothesis.settings.register_profile(
    "steady",  # the same examples each time and no limit of time; --hypothesis-profile=default looks for new ones
    derandomize=True,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("steady")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no worker is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    """Whichever tests ran before: what a test does not seed itself starts here."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


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
