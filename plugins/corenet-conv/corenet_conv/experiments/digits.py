"""The images of digits that scikit-learn brings, in a training and a test part."""

from __future__ import annotations

from importlib import import_module

import corenet as cn
import torch

LARGEST = 16.0  # of a point


def images(seed: int) -> tuple[cn.data.Dataset, None, cn.data.Dataset]:
    """Return 1437 images to learn from and 360 to test on, each class in proportion, points from 0 to 1."""
    datasets, selection = import_module("sklearn.datasets"), import_module("sklearn.model_selection")
    found = datasets.load_digits()
    parts = selection.train_test_split(
        found.data / LARGEST, found.target, test_size=0.2, random_state=seed, stratify=found.target
    )
    inputs, tested = (torch.tensor(each, dtype=torch.float32) for each in parts[:2])
    targets, wanted = (torch.tensor(each) for each in parts[2:])
    return cn.data.Dataset(inputs, targets), None, cn.data.Dataset(tested, wanted)
