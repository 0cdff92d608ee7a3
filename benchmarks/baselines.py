"""``python -m benchmarks.baselines``: what the experiments on real data are held to, on the same splits.

scikit-learn's multi-layer perceptrons with their defaults on the tables, and torch.nn with the same network, weights,
batches and rates on the text. Needs scikit-learn and ``pip install ./plugins/corenet-sequence``.
"""

from __future__ import annotations

from math import log
from statistics import mean, stdev
from typing import Any

import torch
from torch import nn

from benchmarks.table import environment, in_markdown
from corenet.experiments import experiment
from corenet.experiments.building import build
from corenet.experiments.parts import rounds_of

TABLES = ("iris", "wine", "breast_cancer", "diabetes")
CHARACTERS = "characters"


def of_table(name: str) -> list[float]:
    """Return scikit-learn's test error, or R² of values, in each round of an experiment."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    chosen = experiment(name)
    found = []
    for round, parts in enumerate(rounds_of(chosen.recipe, chosen.folder)):
        (inputs, targets), (tested, wanted) = (_arrays(part) for part in (parts.train, parts.test))
        measured = "test_r2" in chosen.reported
        made = (MLPRegressor if measured else MLPClassifier)(max_iter=1000, random_state=round)
        score = made.fit(inputs, targets).score(tested, wanted)
        found.append(score if measured else 1 - score)
    return found


def of_text() -> list[float]:
    """Return the bits that torch.nn takes for a character of the test part, in each round of the experiment."""
    chosen = experiment(CHARACTERS)
    return [_bits(chosen, round, parts) for round, parts in enumerate(rounds_of(chosen.recipe, chosen.folder))]


class Reader(nn.Module):
    """The network of the experiment, of torch's modules."""

    def __init__(self, embedding: Any, lstm: Any, linear: Any) -> None:
        super().__init__()
        self.embedding = nn.Embedding(*embedding.weight.shape)
        self.lstm = nn.LSTM(lstm.input_size, lstm.hidden_size, batch_first=True)
        self.linear = nn.Linear(linear.in_features, linear.out_features)
        for own, theirs in ((self.embedding, embedding), (self.lstm, lstm), (self.linear, linear)):
            own.load_state_dict(theirs.state_dict())
        self.dropout = nn.Dropout(0.3)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return self.linear(self.dropout(self.lstm(self.embedding(input))[0])).transpose(1, 2)


def _bits(chosen: Any, round: int, parts: Any) -> float:
    recipe, seed = chosen.recipe, chosen.recipe.seed + round
    torch.manual_seed(seed)
    ours, _, optimizer = build(recipe, parts, chosen.folder)
    model, loss = Reader(ours[0], ours[1], ours[4]), nn.CrossEntropyLoss()
    theirs = torch.optim.Adam(model.parameters(), lr=recipe.optimizer["lr"])
    rates = torch.optim.lr_scheduler.LambdaLR(theirs, optimizer.schedule)
    for epoch in range(recipe.epochs):
        for input, target in parts.train.batches(recipe.batch_size, seed=seed, epoch=epoch):
            theirs.zero_grad()
            loss(model(input), target).backward()
            theirs.step()
            rates.step()
    model.eval()
    with torch.no_grad():
        return loss(model(parts.test.inputs), parts.test.targets).item() / log(2)


def _arrays(part: Any) -> tuple[Any, Any]:
    targets = part.targets.numpy()
    return part.inputs.numpy(), targets.reshape(len(targets))


def main() -> None:
    torch.set_num_threads(1)
    found = {name: of_table(name) for name in TABLES} | {CHARACTERS: of_text()}
    heading = ["experiment", "figure", "baseline", "reported"]
    rows = []
    for name, values in found.items():
        ((figure, reported),) = experiment(name).reported.items()
        rows.append([name, figure.replace("_", " "), f"{mean(values):.4f} ± {stdev(values):.4f}", f"{reported:.4f}"])
    print(f"{environment()}\n")
    print(in_markdown(heading, rows))


if __name__ == "__main__":
    main()
