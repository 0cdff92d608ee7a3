"""Trainings drawn at random, and a way to end one at a checkpoint as a killed process would."""

import random

import pytest
import torch

import corenet as cn
from corenet.training.going_on.checkpoints import Checkpoints


class Killed(BaseException):
    """Ends a training where a process would be killed: nothing of it is kept but its files."""


class Noise(cn.Module):
    """Adds normal noise in an odd number of draws, and counts its batches in a buffer."""

    def __init__(self):
        self.batches = cn.Buffer(torch.zeros(()))

    def forward(self, input):
        if not self.training:
            return input + 0.0
        self.batches += 1
        return input + 0.1 * torch.randn(len(input), 1)

    def backward(self, grad_output):
        return 1.0 * grad_output


class Drawing(cn.data.Dataset):
    """Moves its points a little, otherwise in each epoch, by torch's generator."""

    def shuffled(self, seed, *epochs):
        inputs, targets = super().shuffled(seed, *epochs)
        return inputs + 0.01 * torch.randn_like(inputs), targets


class FirstSteps(cn.Optimizer):
    """A rule that does another thing in its first five steps, and in every third."""

    elementwise = True

    def __init__(self, parameters, lr):
        super().__init__(parameters, lr)

    def update(self, param, grad, state):
        if self.steps < 5:
            param -= 0.1 * self.current_lr * grad
        elif self.steps % 3 == 0:
            param -= self.current_lr * grad.sign() * 0.01
        else:
            param -= self.current_lr * grad


OPTIMIZERS = {
    "momentum": lambda p: cn.SGD(p, lr=0.2, momentum=0.9, schedule=cn.CosineSchedule(60)),
    "warmup": lambda p: cn.SGD(p, lr=0.2, nesterov=True, momentum=0.5, schedule=cn.WarmupSchedule(9, 0.0)),
    "clipped": lambda p: cn.SGD(p, lr=0.2, lr_decay=0.01, max_grad_norm=0.5),
    "adam": lambda p: cn.Adam(p, lr=0.01),
    "groups": lambda p: cn.AdamW([{"params": p[:2]}, {"params": p[2:], "lr": 0.003}], lr=0.01),
    "first steps": lambda p: FirstSteps(p, lr=0.3),
}
CALLBACKS = {
    "none": lambda: [],
    "stopping": lambda: [cn.EarlyStopping("loss", patience=2)],
    "plateau": lambda: [cn.ReduceOnPlateau("valid_loss", factor=0.5, patience=1, cooldown=1)],
}


class Case:
    """A training as a seed draws it."""

    def __init__(self, seed, engine):
        draw = random.Random(f"{seed} {engine}")
        self.seed, self.engine, self.width = seed, engine, draw.choice([3, 8, 25])
        self.middle = draw.sample([cn.ReLU, cn.Tanh, lambda: cn.Dropout(0.3), Noise], draw.randint(1, 3))
        self.optimizer, self.callbacks = draw.choice([*OPTIMIZERS]), draw.choice([*CALLBACKS])
        self.reduction = draw.choice(["mean", "sum", "none"])
        self.batch_size, self.points = draw.choice([7, 8, 16]), draw.choice([40, 48, 61])
        self.epochs, self.augments = draw.randint(4, 7), draw.random() < 0.3
        self.draw = draw

    def __repr__(self):
        names = [getattr(each, "__name__", "?") for each in self.middle]
        told = self.engine, self.width, names, self.optimizer, self.callbacks, self.reduction, self.batch_size
        return f"Case({self.seed}: {', '.join(map(str, told))}, {self.points} points, {self.epochs} epochs)"

    def fit(self, folder, **options):
        """Train a new learner, and return it with its history."""
        torch.manual_seed(self.seed)
        inside = [make() for make in self.middle]
        model = cn.Sequential(cn.Linear(2, self.width), *inside, cn.Linear(self.width, 1), cn.Sigmoid())
        optimizer = OPTIMIZERS[self.optimizer](model.parameters())
        data = cn.data.disk(self.points, seed=self.seed)
        train = Drawing(data.inputs, data.targets) if self.augments else data
        callbacks = CALLBACKS[self.callbacks]()
        settings = {"epochs": self.epochs, "batch_size": self.batch_size, "seed": self.seed, "engine": self.engine}
        settings |= {"callbacks": callbacks, "progress": False, "checkpoint": folder, "valid": cn.data.disk(20, seed=9)}
        history = cn.fit(model, cn.BCELoss(reduction=self.reduction), optimizer, train, **settings | options)
        return model, optimizer, history


@pytest.fixture
def drawn():
    """Return what draws a training by a seed, for an engine."""
    return Case


@pytest.fixture
def killed():
    """Return the error that ends a training where a process would be killed."""
    return Killed


@pytest.fixture
def killed_after(monkeypatch):
    """Let trainings end right after they have written so many checkpoints, or go on again if that is None."""
    write, left = Checkpoints.write, [None]

    def writing(self, *what):
        path = write(self, *what)
        if left[0] is not None:
            left[0] -= 1
            if left[0] <= 0:
                raise Killed
        return path

    monkeypatch.setattr(Checkpoints, "write", writing)

    def after(checkpoints):
        left[0] = checkpoints

    return after
