"""A script as one writes it by hand: 16 setups in a loop, no meter, no storage, no report.

Trains the same model on the same data for the same epochs as a finished study, whose epochs.csv it is given:
    python benchmarks/_handwritten.py DATA.npz trials.csv
"""

import sys

import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader, TensorDataset

from objectives.windows import Windows


def main() -> None:
    path, trials = sys.argv[1], pd.read_csv(sys.argv[2])
    objective = Windows(path=path, val_subjects=[6], test_subjects=[7, 8])
    with np.load(path) as file:
        inputs, subject = torch.from_numpy(file["X"].astype(np.float32)).transpose(1, 2), file["subject"]
        targets = torch.from_numpy(np.unique(file["y"], return_inverse=True)[1])
    held_out = np.isin(subject, [6, 7, 8])
    mean = inputs[~held_out].mean(dim=(0, 2), keepdim=True)
    inputs = (inputs - mean) / inputs[~held_out].std(dim=(0, 2), keepdim=True)
    train_set = TensorDataset(inputs[~held_out], targets[~held_out])
    val_set = TensorDataset(inputs[subject == 6], targets[subject == 6])
    objective.data()  # the model needs the number of classes
    for _, trial in trials.iterrows():
        torch.manual_seed(0)
        model = objective.model()
        optimizer = torch.optim.Adam(model.parameters(), lr=trial["param.lr"])
        loader = DataLoader(train_set, batch_size=int(trial["param.batch_size"]), shuffle=True)
        val_loader = DataLoader(val_set, batch_size=1024)
        for _ in range(int(trial["epochs"])):
            model.train()
            for x, y in loader:
                optimizer.zero_grad()
                loss = torch.nn.functional.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
            model.eval()
            right = 0
            with torch.no_grad():
                for x, y in val_loader:
                    right += int((model(x).argmax(1) == y).sum())


if __name__ == "__main__":
    main()
