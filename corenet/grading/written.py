"""What a student wrote, called in the same way in either style."""

from __future__ import annotations

import random as python_random
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import torch

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.errors import ConfigError
from corenet.grading.textbook import Arguments, Point, Style, Textbook, fresh

Gradients = dict[str, np.ndarray]


class Call(Protocol):
    """A forward that ran."""

    @property
    def output(self) -> np.ndarray:
        """The output."""
        ...

    @property
    def given(self) -> Arguments:
        """The arguments that were passed."""
        ...

    def backward(self, upstream: np.ndarray) -> Gradients:
        """Run backward for a gradient of the output, and return those of all tensors that have one."""
        ...


class Written(Protocol):
    """A layer that a student wrote."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its functions, or of its class."""
        ...

    @property
    def owner(self) -> Any:
        """What holds its functions: the module, or the class."""
        ...

    def forward(self, point: Point) -> Call:
        """Run forward at a point."""
        ...


def written(textbook: Textbook, style: Style, space: ModuleType, alone: bool) -> Written:
    """Return the layer that a file has under its name.

    Raises:
        ConfigError: it has none.
    """
    return _Class(textbook, space) if style == "module" else _Functions(textbook, space, alone)


def function_names(textbook: Textbook, alone: bool) -> tuple[str, str]:
    """Return what the functions of a layer are called: ``forward`` and ``backward`` if there is no other layer."""
    return ("forward", "backward") if alone else (f"{textbook.name}_forward", f"{textbook.name}_backward")


class _Functions:
    def __init__(self, textbook: Textbook, space: ModuleType, alone: bool) -> None:
        self.textbook, self.owner = textbook, space
        choices = [function_names(textbook, alone), function_names(textbook, alone=False)]
        self.names = next((each for each in choices if all(hasattr(space, name) for name in each)), choices[0])
        if missing := [name for name in self.names if not callable(getattr(space, name, None))]:
            raise ConfigError(f"there is no function {missing[0]}")

    def forward(self, point: Point) -> _FunctionsCall:
        given = fresh(point)
        _seed(point)
        result = getattr(self.owner, self.names[0])(*given.values())
        if not (isinstance(result, tuple) and len(result) == 2):
            raise ConfigError(f"{self.names[0]} returns {_kind(result)}, not a tuple (output, cache)")
        return _FunctionsCall(self, given, *result)


class _FunctionsCall:
    def __init__(self, written: _Functions, given: Arguments, output: Any, cache: Any) -> None:
        self.written, self.given, self.cache = written, given, cache
        self.output = _array(output, f"the output of {written.names[0]}")

    def backward(self, upstream: np.ndarray) -> Gradients:
        name, derived = self.written.names[1], self.written.textbook.derived
        self.given["grad_output"] = upstream = upstream.copy()
        result = getattr(self.written.owner, name)(upstream if upstream.shape else float(upstream), self.cache)
        each = tuple(result) if isinstance(result, tuple | list) else (result,)
        if len(each) > len(derived):
            each = tuple(one for one in each if one is not None)  # of those that have no gradient
        if len(each) != len(derived):
            due = f"{len(derived)} gradients, of {', '.join(derived)}" if len(derived) > 1 else f"that of {derived[0]}"
            raise ConfigError(f"{name} returns {len(each)} values, expected {due}")
        return {to: _array(one, f"the gradient of {to}") for to, one in zip(derived, each, strict=True)}


class _Class:
    def __init__(self, textbook: Textbook, space: ModuleType) -> None:
        name = textbook.module.__name__
        self.textbook, self.names = textbook, (name,)
        self.owner: Any = getattr(space, name, None)
        kind = Loss if textbook.is_loss else Module
        if self.owner is None:
            raise ConfigError(f"there is no class {name}")
        if not (isinstance(self.owner, type) and issubclass(self.owner, kind)):
            raise ConfigError(f"{name} is no subclass of corenet.{kind.__name__}")

    def build(self, point: Point) -> Module | Loss:
        """Return an instance with the parameters of a point, in float64."""
        _seed(point)
        module: Module | Loss = self.owner(*self.textbook.construct(point.arguments))
        module.to(dtype=torch.float64)
        for name in self.textbook.parameters:
            wanted, parameter = torch.from_numpy(point.arguments[name]), getattr(module, name, None)
            if not isinstance(parameter, torch.Tensor) or parameter.shape != wanted.shape:
                found = _kind(parameter) if not isinstance(parameter, torch.Tensor) else f"{tuple(parameter.shape)}"
                raise ConfigError(f"self.{name} must be a Parameter of shape {tuple(wanted.shape)}, and is {found}")
            parameter.copy_(wanted)
        if isinstance(module, Module):
            module.train(point.arguments.get("training", True))
        return module

    def forward(self, point: Point) -> ClassCall:
        return ClassCall(self.textbook, self.build(point), point)


class ClassCall:
    """A forward of an instance that a student's class made, or that ran before."""

    def __init__(self, textbook: Textbook, module: Module | Loss, point: Point) -> None:
        self.textbook, self.module = textbook, module
        self.given = {name: value for name, value in fresh(point).items() if name in textbook.inputs}
        _seed(point)
        self.output = _array(module(*map(torch.from_numpy, self.given.values())), "the output of forward")

    def backward(self, upstream: np.ndarray, keep: Mapping[str, np.ndarray] | None = None) -> Gradients:
        """Run backward; ``keep`` is what stands in the ``.grad`` of each parameter before, zero unless it is given."""
        for name in self.textbook.parameters:
            gradient = getattr(self.module, name).grad
            gradient.copy_(torch.from_numpy(keep[name])) if keep else gradient.zero_()
        # The arrays of the parameters themselves, so that one that backward changes is seen.
        self.given |= {name: getattr(self.module, name).detach().numpy() for name in self.textbook.parameters}
        if isinstance(self.module, Loss):
            result: Any = self.module.backward()
        else:
            self.given["grad_output"] = upstream.copy()
            result = self.module.backward(torch.from_numpy(self.given["grad_output"]))
        each = dict(zip(self.textbook.inputs, result if isinstance(result, tuple) else (result,), strict=False))
        each |= {name: getattr(self.module, name).grad for name in self.textbook.parameters}
        return {to: _array(each.get(to), f"the gradient of {to}") for to in self.textbook.derived}


def _seed(point: Point) -> None:
    """Let whatever draws begin at the same place."""
    torch.default_generator.manual_seed(point.seed)  # torch.manual_seed asks for every device, which takes longer
    np.random.seed(point.seed)
    python_random.seed(point.seed)


def _array(value: object, what: str) -> np.ndarray:
    """Return a value as a new array of numbers, in float64.

    Raises:
        ConfigError: it is something else.
    """
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    if isinstance(value, np.ndarray | np.number | float | int | list):
        array = np.asarray(value)
        if array.dtype.kind in "fiub":
            return array.astype(np.float64)
    raise ConfigError(f"{what} is {_kind(value)}, not an array of numbers")


def _kind(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}" if not isinstance(value, tuple) else "a tuple"
