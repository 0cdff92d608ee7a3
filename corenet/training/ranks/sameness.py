"""What every rank must have alike, compared before the first step, and the weights after each epoch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor

from corenet import __version__
from corenet.data import Dataset
from corenet.errors import ConfigError
from corenet.streamed_data import StreamedDataset
from corenet.training.engines.recording.rng_state import python_rng_states
from corenet.training.learner import Learner
from corenet.training.ranks.quiet import quieted
from corenet.training.ranks.world import World

SEEDED = "draw them by one seed, such as torch.manual_seed(0) before the model is made"
NAMES = {"train": "train data", "valid": "valid data", "skips": "on_non_finite"}
FIXES = {
    "weights": SEEDED,
    "optimizer's state": "load the same file in each",
    "random numbers": "the data set draws them: seed Python and numpy alike in each",
    "corenet": "install one version on every machine",
    "torch": "install one version on every machine",
    "train": "give each all of the data, in one order",
    "valid": "give each all of the data, in one order",
}


def told_of(learner: Learner, train: Dataset, identity: str, epochs: range) -> dict[str, Any]:
    """Return what tells one training from another, the first thing to look at first."""
    versions = {"corenet": __version__, "torch": torch.__version__}
    asked = {"epochs": epochs.stop, **json.loads(identity)}
    numbers = {"weights": digest_of(learner), "optimizer's state": _digest(_state(learner))}
    if type(train).shuffled is not Dataset.shuffled and not isinstance(train, StreamedDataset):
        numbers["random numbers"] = blake2b(repr(python_rng_states()).encode(), digest_size=8).hexdigest()
    asked["loss"] = f"{learner.loss} ({asked['loss'][:8]})"
    asked.setdefault("exchange_every", 1)  # which a checkpoint says only where it is more
    data = {name: asked.pop(name) for name in ("train", "valid")}
    return versions | data | asked | numbers


def refuse_others(world: World, own: Mapping[str, Any]) -> None:
    """Refuse ranks of which one has anything else than the first.

    Raises:
        ConfigError: one has; every rank raises it, and the first alone tells of it.
    """
    problem = first_difference([json.loads(each) for each in world.gathered(json.dumps(own))])
    if problem is not None:
        error = ConfigError(f"distributed: {problem}", name="distributed")
        raise error if world.is_first else quieted(error)


def first_difference(ranks: Sequence[Mapping[str, Any]]) -> str | None:
    """Say in what a rank differs from the first, and what to do; None if in nothing.

    >>> print(first_difference([{"torch": "2.9", "seed": 0}, {"torch": "2.9", "seed": 1}]))
    rank 1 differs from rank 0 in seed: 1 there and 0 here; start every rank by the same program and arguments
    >>> first_difference([{"seed": 0}, {"seed": 0}])
    """
    first, *others = ranks
    for name in dict.fromkeys(name for rank in ranks for name in rank):
        for rank, other in enumerate(others, start=1):
            if other.get(name) != first.get(name):
                values = f"{other.get(name)!s:.60} there and {first.get(name)!s:.60} here"
                fix = FIXES.get(name, "start every rank by the same program and arguments")
                return f"rank {rank} differs from rank 0 in {NAMES.get(name, name)}: {values}; {fix}"
    return None


def digest_of(learner: Learner) -> str:
    """Return what tells the weights and buffers of a learner from others."""
    trees = learner.model, learner.loss
    return _digest([tensor for tree in trees for _, tensor in tree.named_tensors()])


def _state(learner: Learner) -> list[Tensor]:
    states = [state[name] for state in learner.optimizer.layout.states() for name in sorted(state)]
    steps = torch.tensor(learner.optimizer.steps)
    return [steps, *(each for each in states if isinstance(each, Tensor))]


def _digest(tensors: Sequence[Tensor]) -> str:
    found = blake2b(digest_size=8)
    for each in tensors:
        flat = each.detach().cpu().contiguous().flatten()
        found.update(f"{tuple(each.shape)} {each.dtype}".encode())
        found.update(flat.view(torch.uint8).numpy().data)
    return found.hexdigest()
