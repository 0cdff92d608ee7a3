"""What is often got wrong where numbers are normalised by their own mean and variance."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from corenet.grading.textbook import Arguments, Mistakes, Worked

# What is often got wrong where a bias is added to each row.
MISTAKES_OF_BIAS: Mistakes = (
    ("not_summed", lambda at: at.upstream),
    ("mean_instead_of_sum", lambda at: at.upstream.mean(0)),
    ("upstream_ignored", lambda at: np.ones_like(at["bias"])),
    ("upstream_ignored", lambda at: np.full_like(at["bias"], len(at["input"]))),
    ("wrong_axis", lambda at: at.upstream.sum(1)),
    ("wrong_axis", lambda at: at.upstream.sum()),
    ("some_samples", lambda at: at.upstream[0]),
    ("some_samples", lambda at: at.upstream[-1]),
    ("factor_too_many", lambda at: at.upstream.sum(0) * at["bias"]),
)
_OF_SCALED_BIAS: Mistakes = (*MISTAKES_OF_BIAS, ("scale_too_many", lambda at: (at.upstream * at["weight"]).sum(0)))


def draw(random: np.random.Generator, rows: int) -> Arguments:
    """Return arguments of rows that are neither centred nor of variance 1."""
    width = 7
    return {
        "input": random.normal(1.5, 1.3, (rows, width)),
        "weight": random.normal(1.0, 0.5, width),
        "bias": random.normal(0.5, 1.0, width),
        "eps": 1e-5,
    }


def mistakes_of(axis: int) -> dict[str, Mistakes]:
    """Return the mistakes of a layer that normalises along ``axis``: 1 of each row, 0 of each feature."""
    of = partial(_Normal, axis=axis)
    return {
        "forward": _of_forward(of),
        "input_gradient": _of_input(of),
        "weight_gradient": _of_weight(of),
        "bias_gradient": _OF_SCALED_BIAS,
    }


class _Normal:
    """The pieces of the forward and the backward at a point."""

    def __init__(self, at: Worked, axis: int) -> None:
        self.at, self.axis, self.eps = at, axis, at["eps"]
        self.centred = at["input"] - self.mean(at["input"])
        self.variance = self.mean(self.centred**2)
        self.std = np.sqrt(self.variance + self.eps)
        self.normal = self.centred / self.std
        self.gradient = at.upstream * at["weight"]

    def mean(self, of: np.ndarray) -> np.ndarray:
        return np.asarray(of.mean(self.axis, keepdims=True))

    def across(self, of: np.ndarray) -> np.ndarray:
        return np.asarray(of.mean(1 - self.axis, keepdims=True))

    def affine(self, normal: np.ndarray) -> np.ndarray:
        return np.asarray(self.at["weight"] * normal + self.at["bias"])

    def returned(self, gradient: np.ndarray, normal: np.ndarray | None = None) -> np.ndarray:
        normal = self.normal if normal is None else normal
        return (gradient - self.mean(gradient) - normal * self.mean(gradient * normal)) / self.std

    @property
    def count(self) -> int:
        return int(self.at["input"].shape[self.axis])


Of = Callable[[Worked], _Normal]


def _of_forward(of: Of) -> Mistakes:
    def unbiased(at: Worked) -> np.ndarray:
        n = of(at)
        return n.affine(n.centred / np.sqrt(n.variance * n.count / (n.count - 1) + n.eps))

    def other_axis(at: Worked) -> np.ndarray:
        n = of(at)
        return n.affine(_Normal(at, 1 - n.axis).normal)

    def over_all(at: Worked) -> np.ndarray:
        value = at["input"]
        return of(at).affine((value - value.mean()) / np.sqrt(value.var() + at["eps"]))

    return [
        ("wrong_axis", other_axis),
        ("wrong_axis", over_all),
        ("unbiased_variance", unbiased),
        ("eps_forgotten", lambda at: of(at).affine(of(at).centred / np.sqrt(of(at).variance))),
        ("eps_misplaced", lambda at: of(at).affine(of(at).centred / (np.sqrt(of(at).variance) + at["eps"]))),
        ("eps_forgotten", lambda at: of(at).affine(of(at).centred / np.sqrt(of(at).variance + 1e-5))),
        ("root_forgotten", lambda at: of(at).affine(of(at).centred / (of(at).variance + at["eps"]))),
        ("mean_not_subtracted", lambda at: of(at).affine(at["input"] / of(at).std)),
        ("scale_forgotten", lambda at: of(at).normal + at["bias"]),
        ("bias_forgotten", lambda at: at["weight"] * of(at).normal),
        ("scale_forgotten", lambda at: of(at).normal),
        ("division_forgotten", lambda at: of(at).affine(of(at).centred)),
    ]


def _of_input(of: Of) -> Mistakes:
    def in_turn(at: Worked, sign: float, first: float, second: float) -> np.ndarray:
        n = of(at)
        return (n.gradient - first * n.mean(n.gradient) - sign * second * n.normal * n.mean(n.gradient * n.normal)) / (
            n.std
        )

    def wrong_axis(at: Worked) -> np.ndarray:
        n = of(at)
        return (n.gradient - n.across(n.gradient) - n.normal * n.across(n.gradient * n.normal)) / n.std

    def summed(at: Worked) -> np.ndarray:
        n = of(at)
        return in_turn(at, 1, n.count, n.count)

    def of_input(at: Worked) -> np.ndarray:
        n = of(at)
        return (n.gradient - n.mean(n.gradient) - n.centred * n.mean(n.gradient * n.centred)) / n.std

    return [
        ("statistics_as_constants", lambda at: in_turn(at, 1, 0, 0)),
        ("mean_as_constant", lambda at: in_turn(at, 1, 0, 1)),
        ("variance_as_constant", lambda at: in_turn(at, 1, 1, 0)),
        ("wrong_sign", lambda at: in_turn(at, -1, 1, 1)),
        ("wrong_sign", lambda at: in_turn(at, 1, -1, 1)),
        ("wrong_sign", lambda at: in_turn(at, -1, -1, 1)),
        ("factor_two", lambda at: in_turn(at, 1, 1, 2)),
        ("factor_two", lambda at: in_turn(at, 1, 1, 0.5)),
        ("scale_forgotten", lambda at: of(at).returned(at.upstream)),
        ("scale_forgotten", lambda at: at.upstream / of(at).std),
        ("division_forgotten", lambda at: at.gradients["input"] * of(at).std),
        ("division_forgotten", lambda at: of(at).gradient),
        ("root_forgotten", lambda at: at.gradients["input"] / of(at).std),
        ("input_for_normal", of_input),
        ("wrong_axis", wrong_axis),
        ("sum_instead_of_mean", summed),
        ("sum_instead_of_mean", lambda at: in_turn(at, 1, of(at).count, 1)),
        ("sum_instead_of_mean", lambda at: in_turn(at, 1, 1, of(at).count)),
        ("mean_instead_of_sum", lambda at: at.gradients["input"] / of(at).count),
        ("sum_instead_of_mean", lambda at: at.gradients["input"] * of(at).count),
        ("factor_forgotten", lambda at: of(at).returned(of(at).gradient, np.ones_like(of(at).normal))),
        ("factor_forgotten", lambda at: _without_normal(of(at))),
        ("upstream_ignored", lambda at: of(at).returned(np.ones_like(at.upstream) * at["weight"])),
        ("derivative_missing", lambda at: at.upstream),
    ]


def _without_normal(n: _Normal) -> np.ndarray:
    return (n.gradient - n.mean(n.gradient) - n.mean(n.gradient * n.normal)) / n.std


def _of_weight(of: Of) -> Mistakes:
    return [
        ("input_for_normal", lambda at: (at.upstream * at["input"]).sum(0)),
        ("input_for_normal", lambda at: (at.upstream * of(at).centred).sum(0)),
        ("output_for_normal", lambda at: (at.upstream * at.output).sum(0)),
        ("scale_too_many", lambda at: at.gradients["weight"] * at["weight"]),
        ("factor_forgotten", lambda at: at.upstream.sum(0)),
        ("upstream_ignored", lambda at: of(at).normal.sum(0)),
        ("mean_instead_of_sum", lambda at: at.gradients["weight"] / len(at.upstream)),
        ("not_summed", lambda at: at.upstream * of(at).normal),
        ("wrong_axis", lambda at: (at.upstream * of(at).normal).sum(1)),
    ]
