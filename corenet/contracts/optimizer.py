"""The contract of an optimizer: a state for each parameter, and a rule that updates both."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any, ClassVar

from torch import Tensor

from corenet.contracts.layout import Layout
from corenet.contracts.packed import packed, unpacked
from corenet.contracts.parameter import Parameter
from corenet.errors import ConfigError, ShapeError, StructureError


class Optimizer:
    """A rule that changes parameters by their gradients.

    A subclass writes two methods::

        init_state(param) -> dict[str, Tensor]     what it remembers for each parameter
        update(param, grad, state)                 changes param and state in place

    ``elementwise = True`` says that the rule treats every number alike, so that it
    may run once over all parameters laid side by side in one flat tensor; any other
    rule is given each parameter by itself, in its shape.
    Within ``update``, ``self.current_lr`` is the learning rate of this step and
    ``self.steps`` the number of steps done before it.

    The rate falls as PyTorch's ``lr_decay``: ``η_t = lr / (1 + t · lr_decay)``, with
    t the number of steps done.

    Raises:
        ConfigError: ``lr`` or ``lr_decay`` is negative, infinite or not a number.
        StructureError: there is no parameter, or one that is not a Parameter.

    >>> import corenet as cn, torch
    >>> class SignDescent(Optimizer):
    ...     elementwise = True
    ...     def update(self, param, grad, state):
    ...         param -= self.current_lr * grad.sign()
    >>> weight = cn.Parameter(torch.tensor([1.0, -1.0]))
    >>> optimizer = SignDescent([weight], lr=0.5)
    >>> weight.grad += 3
    >>> optimizer.step()
    >>> weight
    tensor([ 0.5000, -1.5000])
    """

    elementwise: ClassVar[bool] = False

    def __init__(self, parameters: Iterable[Tensor], lr: float, *, lr_decay: float = 0.0) -> None:
        self.parameters = _distinct_parameters(parameters)
        self.lr = lr
        self.lr_decay = non_negative("lr_decay", lr_decay)
        self.steps = 0
        self._layout = Layout(self.parameters, self.elementwise, self.init_state)

    # The two methods that an optimizer's author writes.

    def init_state(self, param: Tensor) -> dict[str, Tensor]:
        """Return the tensors to remember for ``param``, such as a velocity of zeros."""
        return {}

    def update(self, param: Tensor, grad: Tensor, state: dict[str, Tensor]) -> None:
        """Change ``param`` and ``state`` in place, by ``grad``."""
        raise NotImplementedError(f"{type(self).__name__} must define update(self, param, grad, state)")

    # What its user calls.

    @property
    def lr(self) -> float:
        """The base learning rate; assign to change it."""
        return self._lr

    @lr.setter
    def lr(self, value: float) -> None:
        self._lr = non_negative("lr", value)

    @property
    def current_lr(self) -> float:
        """The learning rate of the coming step, ``lr / (1 + steps · lr_decay)``."""
        return self._lr / (1 + self.steps * self.lr_decay)

    @property
    def layout(self) -> Layout:
        """Where its numbers lie, as things stand: what was replaced since the last look is laid out anew."""
        self._layout.refresh()
        return self._layout

    def zero_grad(self, set_to_none: bool = False) -> None:
        """Set every gradient to zero.

        A gradient is always a tensor here: ``set_to_none`` is taken for code written for PyTorch, and sets zeros too.
        """
        for grad in self.layout.gradients():
            grad.zero_()

    def step(self) -> None:
        """Update every parameter by its gradient."""
        for slot in self.layout.slots:
            self.update(slot.flat.param, slot.flat.grad, slot.state)
        self.steps += 1

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of the learning rate, the step count and each parameter's state."""
        return {"lr": self.lr, "steps": self.steps, "states": self.layout.states()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Copy what :meth:`state_dict` returned back in; all of it or, on an error, nothing.

        Raises:
            StructureError: it was made for other parameters or another optimizer.
            ShapeError: a tensor does not fit.
        """
        own = self.state_dict()
        if not isinstance(state, dict) or own.keys() != state.keys() or len(own["states"]) != len(state["states"]):
            raise StructureError(
                f"the state is not one of {type(self).__name__} over {len(self.parameters)} parameters"
            )
        for index, (mine, theirs) in enumerate(zip(own["states"], state["states"], strict=True)):
            if not isinstance(theirs, dict) or mine.keys() != theirs.keys():
                raise StructureError(f"state {index} is {theirs!r:.80}, expected {sorted(mine)}")
            for name in mine:
                if mine[name].shape != theirs[name].shape:
                    raise ShapeError(
                        f"state {index} {name!r}", theirs[name].shape, f"expected {tuple(mine[name].shape)}"
                    )
        if not isinstance(state["steps"], int) or state["steps"] < 0:
            raise StructureError(f"the state has steps {state['steps']!r}, expected a count")
        self.lr = state["lr"]
        self.steps = state["steps"]
        self._layout.write_states(state["states"])

    def __getstate__(self) -> dict[str, Any]:
        attributes = {name: value for name, value in vars(self).items() if name != "_layout"}
        return {"attributes": packed(attributes), "states": self.layout.states()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(unpacked(state["attributes"]))
        self._layout = Layout(self.parameters, self.elementwise, self.init_state)
        self._layout.write_states(state["states"])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.parameters)} parameters, lr={self.lr:g})"


def finite(name: str, value: float) -> float:
    """Return ``value`` as a float, or refuse it if it is infinite or not a number."""
    if not isinstance(value, Real) or not math.isfinite(value):
        raise ConfigError(f"{name} must be a finite number, not {value!r}", name=name, value=value)
    return float(value)


def non_negative(name: str, value: float) -> float:
    """Return ``value`` as a float, or refuse it if it is negative or not finite.

    >>> non_negative("lr", -1)
    Traceback (most recent call last):
    corenet.errors.ConfigError: lr must be at least 0, not -1
    """
    number = finite(name, value)
    if number < 0:
        raise ConfigError(f"{name} must be at least 0, not {value!r}", name=name, value=value)
    return number


def _distinct_parameters(parameters: Iterable[Tensor]) -> tuple[Tensor, ...]:
    if isinstance(parameters, Tensor):
        raise StructureError("an optimizer takes an iterable of parameters: model.parameters(), or [parameter]")
    found = tuple(parameters)
    if not found:
        raise StructureError("an optimizer needs at least one parameter; model.parameters() gave none")
    for index, parameter in enumerate(found):
        if not isinstance(parameter, Parameter):
            raise StructureError(f"parameter {index} is a {type(parameter).__name__}, not a Parameter")
    if len({id(parameter) for parameter in found}) < len(found):
        raise StructureError("the same parameter was given twice; model.parameters() gives each once")
    return found
