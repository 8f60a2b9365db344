"""``sweep doctor`` on machines that are made up: what is measured, what is not, why, and the exit code."""

import functools
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from clocks import FakeTime
from fakes.nvml import HOPPER, FakeGpu, fake_nvml, no_nvml
from fakes.power import constant
from fakes.powercap import TICK_S, FakePowercap, intel

from sweep.__main__ import main
from sweep.doctor import findings
from sweep.doctor.findings import Diagnosis
from sweep.doctor.ticking import look
from sweep.energy.recorder import Recorder

ROOT = Path(__file__).parents[2]
QUICK = ["--seconds", "0.2"]
WORK_S = 0.3


class Machine(FakeTime):
    """Time that passes only where the doctor waits or works, and counters that go with it; nobody disturbs them."""

    def __init__(self) -> None:
        super().__init__(1000.0)
        self.tree: FakePowercap | None = None
        self.powers_w: dict[str, float] = {}

    def draw(self, tree: FakePowercap, powers_w: dict[str, float]) -> None:
        """Let these counters count from now on, a tick after the other."""
        self.tree, self.powers_w = tree, powers_w
        self.sleep(0.0)

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        if self.tree is not None:
            powers = {address: constant(power_w) for address, power_w in self.powers_w.items()}
            self.tree.sync(self.now_s // TICK_S * TICK_S, powers)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """What the doctor examines in this process."""
    made = Machine()
    clocks = SimpleNamespace(
        sleep=made.sleep,
        monotonic=made,
        perf_counter=time.perf_counter,
        process_time=time.process_time,
        thread_time=time.thread_time,
    )
    monkeypatch.setattr("sweep.doctor.examine.time", clocks)
    monkeypatch.setattr("sweep.doctor.examine.Recorder", functools.partial(Recorder, clock=made))
    monkeypatch.setattr("sweep.doctor.examine.look", functools.partial(look, clock=made, sleep=made.sleep))
    monkeypatch.setattr("sweep.doctor.examine.fixed_work", lambda: lambda: made.sleep(WORK_S))
    monkeypatch.setattr("sweep.energy.recorder.time", clocks)
    monkeypatch.setattr(Recorder, "_poll", lambda self: None)  # the doctor's own readings suffice
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return made


@pytest.fixture
def _no_gpu() -> Iterator[None]:
    with no_nvml():
        yield


def doctor(tree: Path, capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str]:
    code = main(["doctor", "--sysfs-root", str(tree), *QUICK, *args])
    captured = capsys.readouterr()
    assert captured.err == ""
    return code, captured.out


def flat(text: str) -> str:
    """Without line breaks."""
    return " ".join(text.split())


def examined(tree: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code, text = doctor(tree, capsys, "--json")
    return code, msgspec.to_builtins(msgspec.json.decode(text, type=Diagnosis))


@pytest.mark.usefixtures("_no_gpu")
def test_without_a_sensor_all_is_modelled_and_it_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = doctor(FakePowercap(tmp_path).root, capsys)
    assert code == 3
    assert "are worth: modelled" in flat(text)
    assert "No joule here is measured; all are modelled: cpu:process" in flat(text)
    assert "cpu: there is no RAPL zone" in flat(text)
    assert "gpu: there is no NVIDIA driver here" in flat(text)
    assert re.search(r"What would make more of it measured cpu: ", flat(text))
    assert "OMP_WAIT_POLICY is PASSIVE" in text


@pytest.mark.usefixtures("_no_gpu")
def test_running_counters_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str], machine: Machine) -> None:
    machine.draw(intel(tmp_path), {"0": 50.0, "0:0": 30.0, "0:1": 8.0})
    code, found = examined(tmp_path, capsys)
    assert code == 0
    assert found["grade"] == "measured"
    domains = {domain["name"]: domain for domain in found["domains"]}
    assert set(domains) == {"package:0", "core:0", "dram:0"}
    assert {domain["provenance"] for domain in domains.values()} == {"measured"}
    assert domains["package:0"]["additive"]
    assert not domains["core:0"]["additive"]
    assert domains["package:0"]["idle"]["power_w"] == pytest.approx(50.0, rel=0.02)
    assert domains["dram:0"]["idle"]["power_w"] == pytest.approx(8.0, rel=0.02)
    assert domains["package:0"]["ticking"]["tick_s"] == pytest.approx(TICK_S, rel=0.2)
    assert domains["package:0"]["ticking"]["step_j"] == pytest.approx(0.05, rel=0.05)
    assert domains["package:0"]["spread"]["mean_j"] == pytest.approx(50.0 * WORK_S, rel=0.01)
    assert domains["package:0"]["spread"]["repeats"] == 2
    assert found["price"]["reading_s"] > 0.0


@pytest.mark.usefixtures("_no_gpu")
def test_counters_that_stand_still_are_measured_and_nothing_is_claimed_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = doctor(intel(tmp_path, start_j=100.0).root, capsys)
    assert code == 0
    for name in ("package:0", "dram:0"):
        assert re.search(rf"^{name} +measured +whole device +still +- +- +±", text, re.MULTILINE)
    assert "package:0, core:0, dram:0: did not move in 0.2 s" in flat(text)
    assert "No counter moved, so no joule can be claimed until they do" in flat(text)
    assert "Idle power" not in text
    assert "not known, the counter did not move" in flat(text)


@pytest.mark.usefixtures("_no_gpu")
def test_one_of_two_counters_stands_still(tmp_path: Path, capsys: pytest.CaptureFixture[str], machine: Machine) -> None:
    machine.draw(intel(tmp_path), {"0": 50.0})
    _, text = doctor(tmp_path, capsys)
    assert "core:0, dram:0 did not move, so no joule can be claimed there" in flat(text)
    assert re.search(r"package:0: \d+ of each; the same work, done 10 times", flat(text))


@pytest.mark.usefixtures("_no_gpu")
def test_counters_without_the_right_to_read_them_come_with_the_mend(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with intel(tmp_path).denied():
        code, text = doctor(tmp_path, capsys)
    assert code == 3
    assert "Here, but not measured" in text
    assert "CVE-2020-8694" in text
    assert "chgrp" in flat(text).split("What would make more of it measured")[1]


@pytest.mark.usefixtures("_no_gpu")
def test_dram_alone_closed_leaves_the_package_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with intel(tmp_path).denied("0:1"):
        code, found = examined(tmp_path, capsys)
    assert code == 0
    assert [problem["what"] for problem in found["problems"]] == ["dram:0"]
    assert found["would_help"][0].startswith("dram:0: ")


def test_a_gpu_is_measured_beside_a_modelled_processor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], machine: Machine
) -> None:
    gpu = FakeGpu(power=constant(80.0), sensor=HOPPER, processes=[(2**22 + 1, 1 << 30)], utilisation=0.0)
    with fake_nvml([gpu], machine):
        code = main(["doctor", "--sysfs-root", str(FakePowercap(tmp_path).root), "--seconds", "0.8"])
    text = capsys.readouterr().out
    assert code == 0
    assert "are worth: mixture" in flat(text)
    (tick_ms,) = re.findall(r"^gpu:0 +measured +whole device +([\d.]+) ms +8\.00 J", text, re.MULTILINE)
    assert float(tick_ms) == pytest.approx(100.0, abs=1.0)
    assert "gpu:0: 1 other process on the device" in flat(text)
    assert "not quiet: 1 other process on gpu:0" in flat(text)
    assert "mean polled power (equation 1) 80.0 W" in flat(text)
    assert "gpu:0: not known, no work was put on it" in flat(text)
    assert "Report them apart" in flat(text)


def test_a_sliced_gpu_is_a_problem_with_a_mend(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], machine: Machine
) -> None:
    with fake_nvml([FakeGpu(mig=True)], machine):
        code, text = doctor(FakePowercap(tmp_path).root, capsys)
    assert code == 3
    assert "MIG" in flat(text).split("Here, but not measured")[1].split("Not here")[0]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--sysfs-root", "no/such/folder"], "--sysfs-root=no/such/folder is not a folder: give the folder"),
        (["--seconds", "0"], "--seconds=0.0 is not a positive number"),
        (["--seconds", "inf"], "--seconds=inf is not a positive number"),
    ],
)
def test_bad_input(args: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", *args]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {message}")
    assert len(error.splitlines()) == 1


@pytest.mark.usefixtures("_no_gpu")
def test_lines_fit_a_terminal_of_80_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with intel(tmp_path).denied("0:1"):
        _, text = doctor(tmp_path, capsys)
    assert [line for line in text.splitlines() if len(line) > 80 and " " in line.strip()] == []


@pytest.mark.parametrize("kind", [item for item in vars(findings).values() if isinstance(item, type)])
def test_every_field_of_the_json_is_explained(kind: type) -> None:
    if not (issubclass(kind, msgspec.Struct) and kind.__module__ == findings.__name__):
        return
    told = f"{kind.__doc__}{findings.__doc__ if kind is Diagnosis else ''}"
    assumed = {"name", "provenance", "scope", "pid", "runs", "what", "why", "mend"}
    assert [field for field in kind.__struct_fields__ if field not in assumed and field not in told] == []


def test_needs_neither_torch_nor_optuna(tmp_path: Path) -> None:
    intel(tmp_path)
    code = (
        "import sys; from sweep.__main__ import main; from sweep.doctor import spread; spread.RUN_S = 0.01;"
        "code = main(sys.argv[1:]);"
        "print([m for m in ('torch', 'optuna', 'pandas', 'plotly') if m in sys.modules]); sys.exit(code)"
    )
    args = ["doctor", "--sysfs-root", str(tmp_path), "--seconds", "0.05", "--json"]
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    json.loads("\n".join(done.stdout.splitlines()[:-1]))
