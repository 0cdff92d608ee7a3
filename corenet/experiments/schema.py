"""What may stand in an experiment file, as one description: reading, ``corenet schema`` and a new file all follow it.

The entries of a recipe, ``data`` to ``engine``, stand at the top of the file, beside what is told about it::

    title = "Which iris it is"

    [data]
    source = "iris.csv"             # a file beside this one, or the name of a set
    target = "species"

    [network]
    hidden = [64, 64]

    optimizer = { name = "adam", lr = 0.01 }

Components are named as in the registry, so a file may use a plugin's layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from corenet.experiments import value_kinds as kinds
from corenet.experiments.value_kinds import ValueKind
from corenet.tables.toys import TOYS
from corenet.training.engines.select import ENGINES

TARGETS = ("unit", "sign", "one_hot")
DEVICES = ("cpu", "cuda")


@dataclass(frozen=True)
class Entry:
    """An entry: what it takes, what it means, and what stands for it where it is left out, None for nothing."""

    takes: ValueKind | Entries
    meaning: str
    default: Any = None
    is_needed: bool = False


@dataclass(frozen=True)
class Entries:
    """A table of entries. Just one of ``forms`` is given, and only the entries that it names may stand beside it.

    A string in the place of the table is one of the forms: ``short(text)`` says which.
    """

    entries: Mapping[str, Entry]
    forms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def short(self, text: str) -> dict[str, str]:
        """Return the table that a string stands for: a Python file makes it, or else the first form is meant."""
        return {"make" if kinds.PYTHON.fits(text) else next(iter(self.forms)): text}

    def of(self, form: str) -> Iterator[tuple[str, Entry]]:
        """Yield the entries that may stand where ``form`` is given, itself included."""
        beside = self.forms.get(form, tuple(self.entries))
        yield from ((name, entry) for name, entry in self.entries.items() if name == form or name in beside)


DATA = Entries(
    {
        "source": Entry(
            kinds.TEXT,
            "a table: a file beside this one (CSV, Parquet, …), a folder of them or a pattern, or the name of a set",
        ),
        "target": Entry(kinds.TEXT, "the column to predict; sets that have a name know theirs"),
        "columns": Entry(kinds.COLUMNS, "columns that are read otherwise than their values suggest", {}),
        "missing": Entry(kinds.TEXTS, "what stands for a gap, if not the usual words"),
        "delimiter": Entry(kinds.TEXT, "the character between two cells, if it is not to be found out"),
        "encoding": Entry(kinds.TEXT, "the encoding of a text file, if it is not to be found out"),
        "header": Entry(kinds.TEXTS, "the names of the columns, if the file has none"),
        "valid": Entry(kinds.PART, "the part of the rows that is looked at after each epoch, never learnt from", 0.2),
        "test": Entry(kinds.PART, "the part of the rows that only the result is measured on", 0.2),
        "stream": Entry(
            kinds.FLAG, "read the rows anew in each epoch; if left out, a table that is larger than free memory is"
        ),
        "buffer": Entry(kinds.COUNT, "rows that a streamed table is shuffled within; if left out, 128 MiB of them"),
        "draw": Entry(
            kinds.one_of(tuple(TOYS)), "points drawn anew for each round, as many to look at, and as many to test on"
        ),
        "points": Entry(kinds.COUNT, "how many points are drawn", 1000),
        "targets": Entry(kinds.one_of(TARGETS), "how two classes are coded: 0 and 1, −1 and 1, two columns", "unit"),
        "normalized": Entry(kinds.FLAG, "standardise drawn points by the training points", False),
        "make": Entry(kinds.PYTHON, "function of a seed that returns the data sets (train, valid, test)"),
    },
    forms={
        "source": (
            *("target", "columns", "missing", "delimiter", "encoding", "header"),
            *("valid", "test", "stream", "buffer"),
        ),
        "draw": ("points", "targets", "normalized"),
        "make": (),
    },
)
NETWORK = Entries(
    {
        "hidden": Entry(kinds.WIDTHS, "the widths of the hidden layers"),
        "activation": Entry(kinds.TEXT, "the module behind each hidden layer", "relu"),
        "dropout": Entry(kinds.PROBABILITY, "the probability of a hidden unit to be dropped in training", 0.0),
        "init": Entry(kinds.TEXT, "how weights start", "xavier_uniform"),
        "modules": Entry(kinds.MODULES, 'modules in order, as ["linear", "in_features", 25]'),
        "make": Entry(kinds.PYTHON, "function of in_features and out_features that returns the network"),
    },
    forms={"modules": (), "hidden": ("activation", "dropout", "init"), "make": ()},
)
RECIPE: Mapping[str, Entry] = {
    "data": Entry(DATA, "what is learnt from", is_needed=True),
    "network": Entry(NETWORK, "the network", {"hidden": [64]}),
    "loss": Entry(kinds.COMPONENT, "the loss; if left out, what suits the target of a table"),
    "optimizer": Entry(kinds.COMPONENT, "the optimizer, with its numbers", {"name": "adam", "lr": 0.003}),
    "schedule": Entry(kinds.COMPONENT, "what multiplies the learning rate"),
    "callbacks": Entry(
        kinds.COMPONENTS, "what is done after each epoch; if left out, early stopping where a table is learnt"
    ),
    "metrics": Entry(kinds.TEXTS, "what is measured; if left out, what suits the targets"),
    "epochs": Entry(kinds.COUNT, "the most passes over the data", 200),
    "batch_size": Entry(kinds.COUNT, "rows a step", 32),
    "rounds": Entry(kinds.COUNT, "independent trainings, of which each has its own split, weights and order", 1),
    "seed": Entry(kinds.INTEGER, "governs all that is drawn; round r has seed + r", 0),
    "device": Entry(kinds.one_of(DEVICES), "where it is computed", "cpu"),
    "engine": Entry(kinds.one_of(ENGINES), "how steps are run", "auto"),
    "exchange_every": Entry(kinds.COUNT, "batches after which processes that torchrun starts exchange", 1),
}
TOLD: Mapping[str, Entry] = {
    "title": Entry(kinds.TEXT, "what it is, in a line", ""),
    "source": Entry(kinds.TEXT, "where it is from", ""),
    "notes": Entry(kinds.TEXT, "what the source leaves open", ""),
    "reported": Entry(kinds.FIGURES, "figures that are held against what is measured", {}),
}
WHY: Mapping[str, Entry] = {"why": Entry(kinds.TEXT, "why the recipe is changed", "")}
BETTER: Mapping[str, Entry] = {
    "better": Entry(kinds.TABLE, "the entries that a second recipe changes, to reach what is reported; and why", {})
}
