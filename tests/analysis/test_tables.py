"""Tables that scripts rely on."""

import json
import math
from typing import ClassVar

import msgspec
import pytest

from sweep.analysis.heat import MAX_VALUES, N_BINS, heat_tables
from sweep.analysis.tables import (
    PRETRAINING_COLUMNS,
    domains_frame,
    energy_per_epoch_j,
    epochs_frame,
    layer_tables_frame,
    layers_frame,
    trials_frame,
)
from sweep.records import DomainEnergy, Provenance, StopReason, StudyData, TestResult, TrialRecord, dumps, loads
from tests.energy_factories import CLOUD, SERVER, disturbed, divided, idle, sensed, with_gap, with_idle
from tests.factories import nasty, sixteen, study, trial
from tests.layer_factories import layer_table, layered, with_layers

CONDITIONS = ["temperature_c", "clock_mhz", "utilisation", "memory_bytes", "others"]
TRIALS_CSV = [
    "number",
    "state",
    "stop_reason",
    "quality",
    "quality_test",
    "energy_j",
    "energy_u_scale_j",
    "energy_u_random_j",
    "best_epoch",
    "energy_to_best_j",
    "epochs",
    "duration_s",
    "effective_batch_size",
    "seed",
    "param.batch_size",
    "param.lr",
    "param.paradigm",
    "energy_j.cpu:process",
    "provenance.cpu:process",
]


def test_trials_csv_has_the_promised_columns_in_their_order() -> None:
    columns = list(trials_frame(sixteen(1)).columns)
    assert columns[: len(TRIALS_CSV)] == TRIALS_CSV
    assert len(set(columns)) == len(columns)


def test_epochs_csv_has_the_promised_columns_in_their_order() -> None:
    columns = list(epochs_frame(sixteen(1)).columns)
    assert columns[:6] == ["number", "phase", "epoch", "loss", "quality", "energy_j"]

    assert columns[8:] == ["steps", "train_j", "energy_dynamic_j", *CONDITIONS]


def test_epochs_csv_holds_the_energy_of_steps_and_the_conditions() -> None:
    record = with_layers(trial(), step_j=lambda epoch: 0.5, temperature_c=lambda epoch: 40.0 + epoch)
    rows = epochs_frame(study([record, trial(1)]))
    assert list(rows["train_j"][:3]) == [50.0] * 3
    assert list(rows["temperature_c"][:3]) == [41.0, 42.0, 43.0]
    assert rows["steps"][3:].isna().all()
    assert rows["clock_mhz"].isna().all()


def test_rows_hold_the_records_numbers() -> None:
    data = sixteen(1)
    row = trials_frame(data).iloc[3]
    record = data.trials[3]
    assert row["number"] == 3
    assert (row["state"], row["stop_reason"]) == ("COMPLETE", "early_stopping")
    assert (row["energy_j"], row["param.batch_size"]) == (record.energy_j, record.params["batch_size"])
    epochs = epochs_frame(data)
    assert len(epochs) == sum(len(item.trajectory) for item in data.trials)
    assert epochs.iloc[-1]["energy_j"] == data.trials[-1].trajectory[-1].energy_j


def test_unknown_is_empty_in_csv_and_whole_numbers_stay_whole() -> None:
    records = [trial(0, qualities=(), epoch_j=None, stop_reason=StopReason.CRASHED), trial(1)]
    lines = trials_frame(study(records)).to_csv(index=False).splitlines()
    assert lines[1].startswith("0,FAIL,crashed,,,,,,,,0,0.0,64,1000,")
    assert lines[2].split(",")[8] == "3"


def test_quality_test_is_that_of_the_latest_weights() -> None:
    tests = [
        TestResult(number=0, epoch=3, weights_epoch=3, quality=0.7),
        TestResult(number=0, epoch=2, weights_epoch=2, quality=0.9),
    ]
    assert trials_frame(study([trial()], tests=tests)).loc[0, "quality_test"] == 0.7


def test_an_empty_study_still_has_its_columns() -> None:
    assert list(trials_frame(study([])).columns)[:3] == ["number", "state", "stop_reason"]
    assert epochs_frame(study([])).empty


def test_the_heat_map_shows_that_batch_size_rules_the_energy_of_an_epoch() -> None:
    (table,) = heat_tables(sixteen(2), energy_per_epoch_j)
    assert (table.row_name, table.column_name) == ("batch_size", "lr")
    assert table.rows == ("64", "256", "1024", "4096")
    assert table.columns == ("0.0001", "0.001", "0.01", "0.1")
    for row, planted_j in zip(table.values, (40.0, 20.0, 10.0, 8.0), strict=True):
        assert row == pytest.approx([planted_j] * 4, rel=0.05)


def test_one_dimension_makes_one_row_and_a_failed_cell_stays_empty() -> None:
    (table,) = heat_tables(nasty(), lambda item: item.quality)
    assert table.rows == ("",)
    assert table.columns == ("0.01", "0.1", "9")
    assert table.values[0, 0] == pytest.approx(0.7)
    assert math.isnan(table.values[0, 2])


def test_further_dimensions_are_averaged_over_and_named() -> None:
    records = [trial(n, {"a": n % 2, "b": n // 2 % 2, "c": n // 4}, qualities=(0.1 * (n + 1),)) for n in range(8)]
    (table,) = heat_tables(study(records), lambda item: item.quality)
    assert table.averaged == ("c",)
    assert table.values[0, 0] == pytest.approx((0.1 + 0.5) / 2)


def test_a_range_of_many_values_is_binned_and_every_trial_falls_into_a_bin() -> None:
    records = [trial(n, {"lr": 10.0 ** (-n / 10)}, qualities=(0.5,)) for n in range(3 * MAX_VALUES)]
    (table,) = heat_tables(study(records), lambda item: item.quality)
    assert len(table.columns) == N_BINS
    assert table.values[0] == pytest.approx([0.5] * N_BINS)


def test_a_study_in_which_nothing_varies_has_no_heat_map() -> None:
    assert heat_tables(study([trial()]), energy_per_epoch_j) == ()
    assert heat_tables(study([]), energy_per_epoch_j) == ()


class TestEnergy:
    """Columns of energy in trials.csv, and domains.csv."""

    AFTER_THE_EXTRAS: ClassVar = [
        "energy_dynamic_j",
        *(f"energy_dynamic_j.{domain.name}" for domain in CLOUD),
        *(f"energy_polled_j.{domain.name}" for domain in CLOUD),
        *(f"gap_s.{domain.name}" for domain in CLOUD),
        "other_cpu_share",
        "contaminated_domains",
        "steady",
        "power_drift",
        "temperature_start_c",
        "temperature_max_c",
        "clock_mean_mhz",
        "utilisation_mean",
        "superseded_by",
        *PRETRAINING_COLUMNS,
    ]

    def test_they_follow_the_extras_in_their_order(self) -> None:
        columns = list(trials_frame(sensed(sixteen(1), CLOUD)).columns)
        assert columns[columns.index("imported_from") + 1 :] == self.AFTER_THE_EXTRAS

    def test_rows_hold_the_records_numbers(self) -> None:
        record = with_gap(divided(trial(7, epoch_j=100.0), CLOUD), "gpu:0", 0.5, 9.0)
        row = trials_frame(sensed_by([disturbed(record, "a game", domains=["gpu:0", "dram:0"])])).iloc[0]
        assert (row["energy_dynamic_j"], row["energy_dynamic_j.gpu:0"]) == pytest.approx((180.0, 108.0))
        assert row["energy_polled_j.gpu:0"] == pytest.approx(1.03 * 180.0)
        assert row["energy_polled_j.cpu:process"] is None
        assert (row["gap_s.gpu:0"], row["gap_s.cpu:process"]) == (0.5, 0.0)
        assert (row["contaminated"], row["contaminated_domains"]) == (True, "gpu:0 dram:0")
        assert (row["wait_share"], row["other_cpu_share"]) == (None, 0.25)
        assert (row["steady"], row["power_drift"]) == (True, 0.01)
        assert (row["temperature_start_c"], row["temperature_max_c"]) == (47.0, 67.0)
        assert (row["clock_mean_mhz"], row["utilisation_mean"]) == (1500.0, 0.8)

    def test_the_energy_of_the_additive_domains_sums_to_the_total(self) -> None:
        frame = trials_frame(sensed(sixteen(1), SERVER))
        summed = [f"energy_j.{domain.name}" for domain in SERVER if domain.additive]
        assert list(frame[summed].sum(axis=1)) == pytest.approx(list(frame["energy_spent_j"]))

    def test_a_record_of_version_2_reads_back_and_leaves_the_new_columns_empty(self) -> None:
        fields = json.loads(dumps(trial())) | {"schema_version": 2}
        for name in ("energy_dynamic_j", "sensors", "steadiness"):
            del fields[name]
        fields["load"] = {"wait_share": 0.01, "contaminated": False}
        fields["domains"] = {
            name: {key: item for key, item in domain.items() if key not in ("dynamic_j", "polled_j", "gap_s")}
            for name, domain in fields["domains"].items()
        }
        old = loads(json.dumps(fields).encode(), TrialRecord)
        assert old.schema_version == 2
        row = trials_frame(study([old])).iloc[0]
        new = ("energy_dynamic_j", "energy_dynamic_j.cpu:process", "gap_s.cpu:process", "steady", "utilisation_mean")
        assert row[list(new)].isna().all()
        assert row["energy_j.cpu:process"] == 30.0

    def test_a_trial_that_does_not_know_its_load_leaves_it_empty(self) -> None:
        row = trials_frame(study([msgspec.structs.replace(trial(), load=None)])).iloc[0]
        assert row[["wait_share", "contaminated", "other_cpu_share", "contaminated_domains"]].isna().all()

    def test_domains_csv_has_one_row_a_domain_with_its_idle_power(self) -> None:
        data = with_idle(
            sensed(sixteen(1)), [idle("gpu:0", 30.0)], [idle("gpu:0", 31.0), idle("dram:0", None, quiet=False)]
        )
        frame = domains_frame(data).set_index("name")
        assert list(frame.index) == ["package:0", "dram:0", "gpu:0", "psys:0"]
        gpu = frame.loc["gpu:0"]
        assert (gpu["provenance"], gpu["scope"], gpu["additive"], gpu["tick_s"]) == ("measured", "device", True, 0.1)
        assert (gpu["idle_before_w"], gpu["idle_before_u_w"], gpu["idle_before_polled_w"]) == (30.0, 0.1, 31.0)
        assert (gpu["idle_after_w"], gpu["idle_after_quiet"]) == (31.0, True)
        assert frame.loc["dram:0", "idle_after_quiet"] is False
        assert frame.loc["package:0", "note"] == "work of others on the package is in it"
        assert frame.loc["package:0"][["idle_before_w", "idle_after_quiet"]].isna().all()

    def test_domains_of_before_version_3_have_no_scope(self) -> None:
        (row,) = domains_frame(sixteen(1)).to_dict("records")
        assert (row["name"], row["scope"], row["resolution_j"]) == ("cpu:process", None, None)

    def test_epochs_csv_holds_the_conditions(self) -> None:
        rows = epochs_frame(sensed(study([trial()])))
        assert rows.iloc[0][CONDITIONS].to_list() == [50.0, 1500.0, 0.9, 2**30, 1]


def sensed_by(records: list[TrialRecord]) -> StudyData:
    """A study of records that are already divided."""
    data = study(records)
    return msgspec.structs.replace(data, study=msgspec.structs.replace(data.study, domains=list(CLOUD)))


LAYERS_CSV = [
    "number",
    "phase",
    "layer",
    "type",
    "pass",
    "energy_j",
    "energy_u_random_j",
    "share",
    "flops",
    "provenance",
]


class TestLayers:
    """layers.csv."""

    def test_it_has_the_promised_columns_in_their_order(self) -> None:
        for data in (study([]), study([trial()]), layered(sixteen(1))):
            columns = list(layers_frame(data).columns)
            assert columns[: len(LAYERS_CSV)] == LAYERS_CSV
            assert len(set(columns)) == len(columns)

    def test_the_rows_of_each_trial_sum_to_what_it_spent(self) -> None:
        data = layered(sixteen(1))
        sums = layers_frame(data).groupby("number")["energy_j"].sum()
        assert list(sums) == pytest.approx([record.energy_spent_j for record in data.trials], rel=1e-12)

    def test_only_additive_domains_are_summed_and_all_are_shown(self) -> None:
        names = {"package:0": 0.9, "dram:0": 0.1, "psys": 3.0}
        domains = {
            name: DomainEnergy(
                energy_j=100.0 * factor,
                provenance=Provenance.MODELLED if name == "dram:0" else Provenance.MEASURED,
                u_scale_j=None,
                u_random_j=None,
                additive=name != "psys",
            )
            for name, factor in names.items()
        }
        frame = layer_tables_frame([layer_table(100.0, domains=names)], domains)
        assert frame["energy_j"].sum() == pytest.approx(100.0)
        assert frame["share"].sum() == pytest.approx(1.0)
        assert frame["energy_j.psys"].sum() == pytest.approx(300.0)
        assert set(frame["provenance"]) == {"measured + modelled"}

    def test_rows_hold_the_records_cells(self) -> None:
        (domain,) = study([trial()]).study.domains
        frame = layer_tables_frame([layer_table(100.0)], {domain.name: domain})
        rows = {(row["layer"], row["pass"]): row for row in frame.to_dict("records")}
        conv = rows["conv1", "backward"]
        assert (conv["type"], conv["method"], conv["steps"], conv["marked_steps"]) == ("Conv2d", "time", 100, 10)
        assert conv["flops_per_j"] == pytest.approx(conv["flops"] / conv["energy_j"])
        assert rows["(model)", "forward"]["type"] == "ResNet"

    def test_unknown_and_absent_are_empty(self) -> None:
        (domain,) = study([trial()]).study.domains
        line = layer_tables_frame([layer_table(None)], {domain.name: domain}).to_csv(index=False).splitlines()[1]
        assert line == "supervised,data,,,,,,,modelled,0.5,,,time,100,10,"

    def test_records_without_layers_have_no_rows(self) -> None:
        assert layers_frame(sixteen(1)).empty
