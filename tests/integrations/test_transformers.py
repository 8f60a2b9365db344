"""The callback in a training of the real library, with a model made here."""

from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("transformers", reason="transformers is not installed (pip install sweep-energy[transformers])")
pytest.importorskip("accelerate", reason="accelerate is not installed (pip install sweep-energy[transformers])")

from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

from sweep.errors import MonitorError
from sweep.integrations.transformers import EnergyCallback

pytestmark = pytest.mark.filterwarnings("ignore")  # the library's own


class Sentences(torch.utils.data.Dataset[dict[str, Any]]):
    """Random tokens."""

    def __len__(self) -> int:
        return 16

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"input_ids": torch.arange(6) + index, "attention_mask": torch.ones(6), "labels": index % 2}


def test_a_training_has_a_table_and_curves(tmp_path: Path) -> None:
    config = BertConfig(vocab_size=64, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)
    model, callback = BertForSequenceClassification(config), EnergyCallback(every=2)
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        num_train_epochs=2,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=2,
        eval_strategy="epoch",
        logging_strategy="epoch",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
    )
    data = Sentences()
    Trainer(model, arguments, train_dataset=data, eval_dataset=data, callbacks=[callback]).train()
    energy = callback.energy
    frame = energy.summary()
    assert frame["energy_j"].sum() == pytest.approx(energy.energy_j, rel=1e-9)
    assert energy.measured().table.steps == 2 * 4
    backward = set(frame.loc[frame["pass"] == "backward", "layer"])
    assert {"classifier", "bert.encoder.layer.0.intermediate.dense", "bert.embeddings.word_embeddings"} <= backward
    assert {"data", "optimizer", "validation"} <= set(frame["layer"])
    assert energy.epochs["epoch"].tolist() == [0, 1]
    assert {"loss", "eval_loss"} <= set(energy.epochs.columns)
    assert all(not m._forward_hooks for m in model.modules())


def test_before_a_training_there_is_nothing() -> None:
    with pytest.raises(MonitorError, match="no training"):
        EnergyCallback().energy  # noqa: B018
