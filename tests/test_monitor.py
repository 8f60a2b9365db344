"""``EnergyMonitor`` as its user meets it."""

import functools
import io
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import sweep
from sweep import EnergyMonitor
from sweep.energy.meter import Meter
from sweep.energy.meters.estimated import EstimatedMeter
from sweep.energy.recorder import Recorder
from sweep.errors import ConfigError, LayerError, MeterError, MonitorError
from sweep.records import Domain, Joules, Provenance
from tests.layers.ticking import POWER_W, TickingSGD, clock, lasting, spend, two_ticks

COLUMNS = ["layer", "type", "pass", "energy_j", "energy_u_random_j", "share", "flops_per_j", "provenance"]


class LinearMeter(Meter):
    """A constant power on the clock of the ticking world, and a domain that is part of another one."""

    exact = True
    poll_interval_s = 60.0

    def __init__(self) -> None:
        self.fails = False

    def open(self) -> None:
        self.opened_s = clock()

    def close(self) -> None:
        pass

    @property
    def domains(self) -> tuple[Domain, ...]:
        common = {"provenance": Provenance.MEASURED, "scale_u_rel": 0.1, "random_u_rel": 0.01}
        return Domain(name="package", idle_power_w=0.5, **common), Domain(name="core", additive=False, **common)

    def read(self) -> Joules:
        if self.fails:
            raise OSError("sensor gone")
        return {"package": POWER_W * (clock() - self.opened_s), "core": 0.5 * (clock() - self.opened_s)}


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Callable[..., EnergyMonitor]:
    """Monitors on the clock of the ticking world."""
    monkeypatch.setattr("sweep.monitoring.session.Recorder", functools.partial(Recorder, clock=clock))

    def made(model: nn.Module, **options: object) -> EnergyMonitor:
        return EnergyMonitor(model, **{"meter": LinearMeter(), **options})  # type: ignore[arg-type]

    return made


def train(model: nn.Module, steps: int = 4) -> None:
    optimizer = TickingSGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        lasting(model(torch.ones(1)), 0.25, 0.125).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def stop_after(seconds: float, error: BaseException) -> None:
    spend(seconds)
    raise error


TRAINING_S = 4 * (3 + 7 + 0.375 + 0.5)


def rows_of(energy: EnergyMonitor) -> "pd.Series[float]":
    frame = energy.summary()
    assert frame["energy_j"].sum() == pytest.approx(energy.energy_j, rel=1e-9)
    assert frame["share"].sum() == pytest.approx(1.0)
    assert (frame["energy_j"] >= 0).all()
    return frame.set_index(frame["layer"] + " " + frame["pass"].fillna(""))["energy_j"]


def test_a_window_is_divided_among_layers(make: Callable[..., EnergyMonitor]) -> None:
    model = two_ticks()
    with make(model, every=1) as energy:
        spend(0.5)
        train(model)
    assert energy.energy_j == pytest.approx(POWER_W * (TRAINING_S + 0.5))
    assert energy.duration_s == pytest.approx(TRAINING_S + 0.5)
    assert energy.by_domain["core"].energy_j == pytest.approx(0.5 * (TRAINING_S + 0.5))
    assert energy.by_domain["package"].u_scale_j == pytest.approx(0.1 * (energy.energy_j or 0.0))
    rows = rows_of(energy)
    assert rows["0 backward"] == pytest.approx(POWER_W * 4 * 3)
    assert rows["1 forward"] == pytest.approx(POWER_W * 4 * 2)
    assert rows["loss "] == pytest.approx(POWER_W * 4 * 0.375)
    assert rows["optimizer "] == pytest.approx(POWER_W * 4 * 0.5)
    assert rows["rest "] == pytest.approx(POWER_W * 0.5)
    frame = energy.summary()
    assert list(frame.columns[: len(COLUMNS)]) == COLUMNS
    assert set(frame["provenance"]) == {"measured"}
    assert frame["dynamic_j"].sum() == pytest.approx((POWER_W - 0.5) * (TRAINING_S + 0.5))


def test_results_within_the_window_are_those_so_far(make: Callable[..., EnergyMonitor]) -> None:
    model = two_ticks()
    with make(model) as energy:
        train(model)
        assert rows_of(energy).sum() == pytest.approx(POWER_W * TRAINING_S)
        train(model)
        assert rows_of(energy).sum() == pytest.approx(POWER_W * 2 * TRAINING_S)
    assert energy.energy_j == pytest.approx(POWER_W * 2 * TRAINING_S)


def test_a_long_window_is_summed_up_on_the_way(
    make: Callable[..., EnergyMonitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweep.layers.loops.watch.FULL", 30)
    model = two_ticks()
    with make(model, every=2) as energy:
        with energy.window("all"):
            for epoch in range(20):
                train(model)
                energy.log(epoch=epoch, loss=1.0)
        assert len(energy._session.log) < 60
        assert len(energy._session.recorder.timeline) < 30
    assert energy.energy_j == pytest.approx(POWER_W * 20 * TRAINING_S)
    assert rows_of(energy)["0 backward"] == pytest.approx(POWER_W * 20 * 4 * 3)
    assert energy.windows["energy_j"].tolist() == pytest.approx([POWER_W * 20 * TRAINING_S])
    assert energy.epochs["energy_j"].tolist() == pytest.approx([POWER_W * TRAINING_S] * 20)


def test_epochs_have_mean_losses_and_joules_for_each_unit_of_decrease(make: Callable[..., EnergyMonitor]) -> None:
    with make(two_ticks()) as energy:
        for epoch, losses in enumerate([(4.0, 2.0), (1.5, 0.5), (1.5, 1.5), (1.0, 1.0)]):
            for loss in losses:
                spend(1.0)
                energy.log(epoch=epoch, loss=torch.tensor([loss], requires_grad=True), accuracy=epoch)
        spend(5.0)
    epochs = energy.epochs
    assert epochs["epoch"].tolist() == [0, 1, 2, 3]
    assert epochs["loss"].tolist() == [3.0, 1.0, 1.5, 1.0]
    assert epochs["accuracy"].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert epochs["energy_j"].tolist() == pytest.approx([4.0] * 4)
    assert epochs["energy_per_loss_decrease_j"].tolist() == pytest.approx(
        [float("nan"), 2.0, float("nan"), 8.0], nan_ok=True
    )


def test_logs_without_epochs_count_themselves(make: Callable[..., EnergyMonitor]) -> None:
    with make(two_ticks()) as energy:
        for loss in (3.0, 2.0):
            spend(1.0)
            energy.log(loss=loss)
    assert energy.epochs["epoch"].tolist() == [0, 1]
    assert energy.epochs["energy_per_loss_decrease_j"].tolist()[1] == pytest.approx(POWER_W)


def test_windows_nest_repeat_and_survive_exceptions(make: Callable[..., EnergyMonitor]) -> None:
    with make(two_ticks()) as energy:
        for _ in range(2):
            with energy.window("epoch"):
                spend(1.0)
                with energy.window("tokenise") as inner:
                    spend(2.0)
                energy.summary()
        with pytest.raises(ValueError, match="stop"), energy.window("broken"):
            stop_after(4.0, ValueError("stop"))
    assert inner.energy_j == pytest.approx(POWER_W * 2)
    assert inner.duration_s == pytest.approx(2.0)
    windows = energy.windows.set_index("window")
    assert windows["count"].to_dict() == {"epoch": 2, "epoch/tokenise": 2, "broken": 1}
    assert windows["energy_j"].to_dict() == pytest.approx(
        {"epoch": POWER_W * 6, "epoch/tokenise": POWER_W * 4, "broken": POWER_W * 4}
    )
    assert windows["energy_j.core"]["epoch"] == pytest.approx(3.0)


def test_an_exception_leaves_no_hook_and_everything_measured(make: Callable[..., EnergyMonitor]) -> None:
    model = two_ticks()
    energy = make(model)

    def interrupted() -> None:
        train(model)
        model(torch.ones(1))
        stop_after(0.0, KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt), energy:
        interrupted()
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in model.modules())
    assert rows_of(energy).sum() == pytest.approx(POWER_W * (TRAINING_S + 3))


def test_a_failing_sensor_leaves_joules_unknown_and_says_so(make: Callable[..., EnergyMonitor]) -> None:
    meter, model = LinearMeter(), two_ticks()
    with make(model, meter=meter) as energy:
        train(model)
        meter.fails = True
        train(model)
        assert energy.energy_j == 0.0, "the last time at which all was known"
        meter.fails = False
        train(model)
    assert energy.energy_j == pytest.approx(POWER_W * 3 * TRAINING_S), "the counter went on beyond the hole"
    assert any("failed" in note for note in energy.notes)
    rows_of(energy)


def test_a_sensor_that_is_gone_at_the_end(make: Callable[..., EnergyMonitor]) -> None:
    meter, model = LinearMeter(), two_ticks()
    with make(model, meter=meter) as energy:
        train(model)
        meter.fails = True
    assert energy.energy_j is None
    assert energy.summary()["energy_j"].isna().all()
    assert energy.summary()["duration_s"].sum() == pytest.approx(TRAINING_S)
    energy.figures()


def test_two_monitors_at_once(make: Callable[..., EnergyMonitor]) -> None:
    one, other = two_ticks(), two_ticks()
    with make(one) as first, make(other) as second:
        train(one)
        train(other)
    for energy in (first, second):
        assert energy.energy_j == pytest.approx(POWER_W * 2 * TRAINING_S)
        assert rows_of(energy)["0 backward"] == pytest.approx(POWER_W * 12)


def test_a_meter_is_not_shared_and_is_free_afterwards(make: Callable[..., EnergyMonitor]) -> None:
    meter = LinearMeter()
    with (
        make(two_ticks(), meter=meter),
        pytest.raises(MeterError, match="another monitor"),
        make(two_ticks(), meter=meter),
    ):
        pass
    with make(two_ticks(), meter=meter):
        pass


def test_a_monitor_measures_once(make: Callable[..., EnergyMonitor]) -> None:
    energy = make(two_ticks())
    for read in (energy.summary, energy.measured, lambda: energy.energy_j):
        with pytest.raises(MonitorError, match="not been entered"):
            read()
    with energy, pytest.raises(MonitorError, match="used before"), energy:
        pass
    with pytest.raises(MonitorError, match="used before"), energy:
        pass
    with pytest.raises(MonitorError, match="outside"):
        energy.log(loss=1.0)
    with pytest.raises(MonitorError, match="outside"), energy.window("late"):
        pass


def test_wrong_values_are_refused_in_our_words(make: Callable[..., EnergyMonitor]) -> None:
    with make(two_ticks()) as energy:
        with pytest.raises(MonitorError, match=r"loss is a Tensor of shape \(2,\)"):
            energy.log(loss=torch.ones(2))
        with pytest.raises(MonitorError, match="loss is a str"):
            energy.log(loss="low")
        energy.log(epoch=3, loss=1.0)
        with pytest.raises(MonitorError, match="after epoch 3"):
            energy.log(epoch=2, loss=1.0)
        for epoch in ("4", 4.5, True):
            with pytest.raises(MonitorError, match="no whole number"):
                energy.log(epoch=epoch, loss=1.0)  # type: ignore[arg-type]
        with pytest.raises(MonitorError, match="complex"):
            energy.log(loss=torch.tensor(1j))
        for name in ("a/b", "", 3):
            with pytest.raises(MonitorError, match="slash"), energy.window(name):  # type: ignore[arg-type]
                pass


def test_values_logged_under_our_names_are_kept(make: Callable[..., EnergyMonitor]) -> None:
    with make(two_ticks()) as energy:
        energy.log(energy_j=7.0, duration_s=8.0)
    assert energy.epochs[["logged.energy_j", "logged.duration_s"]].to_numpy().tolist() == [[7.0, 8.0]]


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"layers": "all"}, MonitorError, "neither"),
        ({"every": 0}, MonitorError, "below 1"),
        ({"every": 2.5}, MonitorError, "every=2.5 is no whole number"),
        ({"every": None}, MonitorError, "no whole number"),
        ({"seed": "x"}, MonitorError, "no whole number"),
        ({"meter": "wattmeter"}, MeterError, "estimated"),
        ({"meter": 7}, MeterError, "no meter"),
        ({"meter": {"_target_": "no.such.Meter"}}, ConfigError, "imported"),
        ({"meter": {"_target_": "sweep.energy.meters.estimated.EstimatedMeter", "power": 3}}, ConfigError, "power"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, object], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        EnergyMonitor(two_ticks(), **options)  # type: ignore[arg-type]


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(MonitorError, match="no torch"):
        EnergyMonitor(lambda x: x)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "meter",
    [
        "estimated",
        EstimatedMeter(static_power_w=1.0),
        {"_target_": "sweep.energy.meters.estimated.EstimatedMeter", "static_power_w": 1.0},
    ],
)
def test_meters_by_name_object_and_class_path(meter: object) -> None:
    model = nn.Linear(2, 2)
    with EnergyMonitor(model, meter=meter) as energy:  # type: ignore[arg-type]
        model(torch.ones(1, 2)).sum().backward()
    assert energy.energy_j is not None
    assert energy.energy_j > 0
    assert set(energy.summary()["provenance"]) == {"modelled"}


def test_a_compiled_model_is_refused_or_shown_as_one_layer() -> None:
    model = torch.compile(nn.Linear(2, 2), backend="eager")
    with pytest.raises(LayerError, match=r'compiled.*layers="off"'):
        EnergyMonitor(model)
    with EnergyMonitor(model, layers="off") as energy:
        for _ in range(3):
            model(torch.ones(4, 2)).sum().backward()
    frame = energy.summary()
    assert set(frame.loc[frame["pass"] == "backward", "layer"]) == {"(model)"}
    assert any("compiled" in note for note in energy.notes)


def compiled_in_place() -> nn.Module:
    model = nn.Sequential(nn.Linear(2, 2))
    model.compile(backend="eager")
    return model


@pytest.mark.parametrize("make_model", [compiled_in_place, lambda: torch.jit.script(nn.Linear(2, 2))])
@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")
def test_hooks_stay_out_of_compiled_code(make_model: Callable[[], nn.Module]) -> None:
    model = make_model()
    with EnergyMonitor(model, layers="off") as energy:
        for _ in range(2):
            model(torch.ones(4, 2)).sum().backward()
    assert energy.summary()["layer"].tolist() == ["rest"]
    assert any("not seen" in note for note in energy.notes)


def test_a_compiled_loop_runs_as_it_would_and_is_not_seen() -> None:
    model = nn.Sequential(nn.Linear(2, 2))

    @torch.compile(backend="eager")
    def step(x: Tensor) -> Tensor:
        return model(x).sum()

    with EnergyMonitor(model, every=1) as energy:
        for _ in range(3):
            step(torch.ones(4, 2)).backward()
    assert any("not called" in note for note in energy.notes)


def test_a_device_that_cannot_be_timed_needs_layers_off() -> None:
    model = nn.Linear(2, 2, device="meta")
    with pytest.raises(LayerError, match=r'meta.*layers="off"'), EnergyMonitor(model):
        pass
    with EnergyMonitor(model, layers="off") as energy:
        model(torch.ones(4, 2, device="meta")).sum().backward()
    assert "(model)" in set(energy.summary()["layer"])
    assert any("times are the host's" in note for note in energy.notes)


def test_notes_say_what_was_not_seen(make: Callable[..., EnergyMonitor]) -> None:
    model = two_ticks()
    with make(model) as energy:
        spend(1.0)
    assert any("not called" in note for note in energy.notes)
    with make(model.eval()) as energy, torch.no_grad():
        model(torch.ones(1))
    assert any("not trained" in note for note in energy.notes)
    with make(model) as energy:
        thread = threading.Thread(target=model, args=(torch.ones(1),))
        thread.start()
        thread.join()
    assert any("threads" in note for note in energy.notes)


class Block(nn.Module):
    """A residual block with in-place operations."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv2(self.relu(self.conv1(x)))
        out += x
        return self.relu(out)


class UNet(nn.Module):
    """Down, up, and a skip between them."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.low = nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.up, self.out = nn.ConvTranspose2d(8, 8, 2, stride=2), nn.Conv2d(11, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.cat([self.up(self.low(torch.relu(self.down(x)))), x], dim=1))


class Tagger(nn.Module):
    """An LSTM, whose output is a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(6, 8, batch_first=True), nn.Linear(8, 2)

    def forward(self, x: Tensor, *, scale: float = 1.0) -> dict[str, Tensor]:
        return {"logits": self.head(self.lstm(x)[0]) * scale}


MODELS = {
    "residual": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), Block(), Block()), (2, 3, 8, 8)),
    "transformer": (
        lambda: nn.TransformerEncoder(
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2, enable_nested_tensor=False
        ),
        (2, 5, 8),
    ),
    "lstm": (Tagger, (2, 5, 6)),
    "unet": (UNet, (2, 3, 8, 8)),
}


@pytest.mark.parametrize("name", MODELS)
def test_models_of_many_kinds_give_tables(name: str) -> None:
    build, shape = MODELS[name]
    model = build()
    optimizer = torch.optim.Adam(model.parameters())
    loader = DataLoader(TensorDataset(torch.randn(8, *shape[1:])), batch_size=shape[0])
    with EnergyMonitor(model, every=2) as energy:
        for (x,) in loader:
            optimizer.zero_grad()
            output = model(x)
            (output["logits"] if isinstance(output, dict) else output).square().mean().backward()
            optimizer.step()
    frame = energy.summary()
    assert frame["energy_j"].sum() == pytest.approx(energy.energy_j, rel=1e-9)
    counted = frame[frame["flops_per_j"] > 0]
    weighted = {layer for layer, module in model.named_modules() if list(module.parameters(recurse=False))}
    backward = set(frame.loc[frame["pass"] == "backward", "layer"])
    assert weighted - backward <= {f"layers.{i}.self_attn.out_proj" for i in range(2)}, "every layer with weights"
    assert len(counted) > 2


def test_saving_and_copying_within_the_window() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    with EnergyMonitor(model, every=1) as energy:
        output = model(torch.ones(1, 2))
        torch.save(model, file := io.BytesIO())
        average = torch.optim.swa_utils.AveragedModel(model)
        output.sum().backward()
        average.update_parameters(model)
        average(torch.ones(1, 2))
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    assert torch.equal(loaded(torch.ones(1, 2)), model(torch.ones(1, 2)))
    assert energy.measured().table.steps == 1


def flops_of(energy: EnergyMonitor) -> dict[str, float]:
    frame = energy.summary()
    forward = frame[frame["pass"] == "forward"]
    return dict(zip(forward["layer"], forward["flops"], strict=True))


@pytest.mark.parametrize("every", [1, 3])
def test_flops_are_those_of_all_calls_of_a_part(every: int) -> None:
    sizes = {"teacher": (20, 30), "net": (20, 30), "late": (30, 50)}
    model = nn.ModuleDict({name: nn.Linear(*size, bias=False) for name, size in sizes.items()})
    x = torch.ones(40, 20)
    with EnergyMonitor(model, every=every) as energy:
        for step in range(12):
            with torch.no_grad():
                model["teacher"](x)
            hidden = sum(model["net"](x) for _ in range(1 if step % 2 else 40))
            (model["late"](hidden) if step % 3 == 1 else hidden).sum().backward()
    calls = {"teacher": 11, "net": 6 * 41, "late": 4}  # the teacher's first one looks like a validation
    flops = flops_of(energy)
    assert {"teacher", "net"} <= set(flops), "the late one is not in each step, so perhaps in no marked one"
    expected = {name: calls[name] * 2 * 40 * sizes[name][0] * sizes[name][1] for name in flops}
    assert flops == pytest.approx(expected, rel=1e-3)
    assert any("parts of the model (net, teacher, late)" in note for note in energy.notes)


def test_layers_that_the_first_step_does_not_call_have_no_flops() -> None:
    class Paths(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.other = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x: Tensor, way: str) -> Tensor:
            return getattr(self, way)(x)

    model = Paths()
    with EnergyMonitor(model, every=1) as energy:
        for way in ("one", "other"):
            model(torch.ones(4, 2), way).sum().backward()
    flops = flops_of(energy)
    assert flops["one"] > 0
    assert flops["other"] != flops["other"], "unknown, not zero"
    assert any("no FLOPs for other" in note for note in energy.notes)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # a fork beside the poller's thread, Python 3.12
def test_workers_generators_and_tensors_feed_a_loop() -> None:
    model = nn.Linear(2, 1)
    loader = DataLoader(TensorDataset(torch.randn(8, 2)), batch_size=4, num_workers=1)

    def generated() -> Iterator[Tensor]:
        for _ in range(3):
            yield torch.randn(4, 2)

    with EnergyMonitor(model) as energy:
        for (x,) in loader:
            model(x).sum().backward()
        for x in generated():
            model(x).sum().backward()
        for x in torch.randn(8, 2).split(4):
            model(x).sum().backward()
    assert energy.measured().table.steps == 2 + 3 + 2
    frame = energy.summary().set_index("layer")
    assert frame.loc["data", "energy_j"] > 0


def test_files_and_figures(tmp_path: Path, make: Callable[..., EnergyMonitor]) -> None:
    model = two_ticks()
    with make(model, every=1) as energy:
        for epoch in range(6):
            with energy.window("epoch"):
                train(model)
            energy.log(epoch=epoch, loss=1.0 / (epoch + 1))
    frame = pd.read_csv(energy.to_csv(tmp_path / "new" / "energy.csv"))
    assert frame["energy_j"].sum() == pytest.approx(energy.energy_j, rel=1e-12)
    page = energy.to_html(tmp_path / "energy.html").read_text(encoding="utf-8")
    figures = energy.figures()
    assert set(figures) == {
        "passes", "layers", "layer_energy", "layer_steps", "loss", "loss_energy", "epochs", "windows",
    }  # fmt: skip
    assert all(f'id="chart-{name}"' in page for name in figures)
    assert "<table>" in energy._repr_html_()
    assert "EnergyMonitor(Sequential)" in repr(energy)


def test_names_are_escaped(tmp_path: Path, make: Callable[..., EnergyMonitor]) -> None:
    evil = type("<script>alert(1)</script>", (nn.Sequential,), {})
    model = evil(*two_ticks())
    with make(model, every=1) as energy:
        train(model)
        with energy.window("<img src=x>"):
            spend(1.0)
    page = energy.to_html(tmp_path / "energy.html").read_text(encoding="utf-8")
    for markup in ("<script>alert", "<img src=x>"):
        assert markup not in page
        assert markup not in energy._repr_html_()


def test_a_path_that_cannot_be_written_is_said(tmp_path: Path, make: Callable[..., EnergyMonitor]) -> None:
    with make(two_ticks()) as energy:
        spend(1.0)
    (tmp_path / "file").touch()
    for write in (energy.to_html, energy.to_csv):
        for path in (tmp_path / "file" / "energy", tmp_path):
            with pytest.raises(MonitorError, match="cannot be written"):
                write(path)


def test_importing_sweep_is_light() -> None:
    code = "import sys, sweep; sweep.__version__; print([m for m in ('torch', 'pandas', 'plotly') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    with pytest.raises(AttributeError, match="Monitor"):
        sweep.Monitor  # noqa: B018
