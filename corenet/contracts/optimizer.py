"""The contract of an optimizer: a state for each parameter, and a rule that updates both."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from corenet.contracts.apply import apply
from corenet.contracts.groups import Group, Parameters, grouped, groups_of, having
from corenet.contracts.guarded_init import guarded
from corenet.contracts.layout import Layout
from corenet.contracts.numbers import StepFactor, factor, non_negative, positive
from corenet.contracts.packed import packed, unpacked
from corenet.contracts.state_fit import refused_misfit
from corenet.errors import ConfigError
from corenet.registry.named import made


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

    The rate is ``η_t = lr · schedule(t) / (1 + t · lr_decay)``, with t the number of
    steps done.

    Args:
        parameters: what to train, such as ``model.parameters()``; or groups of them, as
            ``[{"params": a}, {"params": b, "lr": 0.01}]``: what a group does not name it has of the optimizer. While
            ``update`` is about a group, ``self.lr`` and all else that it names have its values.
        lr: base learning rate.
        lr_decay: how fast the rate falls with the steps.
        max_grad_norm: above it, the norm of all gradients together is scaled down to it before the rule sees them.
        schedule: a function of the number of steps done alone, by whose value the rate is multiplied; or the name of a
            schedule that needs no arguments.

    Raises:
        ConfigError: ``lr`` or ``lr_decay`` is negative, infinite or not a number; ``max_grad_norm`` is not above 0;
            ``schedule`` is no function, or the name of one that needs arguments; a group names a hyper-parameter that
            there is none of.
        UnknownComponentError: no schedule has a name that is given.
        StructureError: there is no parameter, one that is not a Parameter, or one that is given twice.

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

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            cls.__init__ = grouped(guarded(cls.__init__))  # type: ignore[method-assign]

    @grouped
    def __init__(
        self,
        parameters: Parameters,
        lr: float,
        *,
        lr_decay: float = 0.0,
        max_grad_norm: float | None = None,
        schedule: StepFactor | str | None = None,
    ) -> None:
        self._groups = self._own(groups_of(parameters, type(self)))
        self.parameters: tuple[Tensor, ...] = tuple(each for group in self._groups for each in group["params"])
        self.lr = lr
        self.lr_decay = non_negative("lr_decay", lr_decay)
        self._max_grad_norm = _norm(max_grad_norm)
        self._schedule = _schedule(schedule)
        self.steps = 0
        self._layout = Layout(self._groups, self.elementwise, self._init_state)

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
        """The learning rate of the coming step, ``lr · schedule(steps) / (1 + steps · lr_decay)``."""
        rate = self._lr / (1 + self.steps * self.lr_decay)
        return rate if self._schedule is None else rate * factor(self._schedule, self.steps)

    @property
    def schedule(self) -> StepFactor | None:
        """What the rate is multiplied by, as a function of the number of steps done; assign to change it."""
        return self._schedule

    @schedule.setter
    def schedule(self, value: StepFactor | str | None) -> None:
        self._schedule = _schedule(value)

    @property
    def max_grad_norm(self) -> float | None:
        """What the norm of all gradients together is scaled down to; assign to change it."""
        return self._max_grad_norm

    @max_grad_norm.setter
    def max_grad_norm(self, value: float | None) -> None:
        self._max_grad_norm = _norm(value)

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups of parameters, each with the hyper-parameters that it has its own value of; one if none was given.

        >>> import corenet as cn
        >>> layer = cn.Linear(2, 1)
        >>> optimizer = cn.SGD([{"params": layer.weight}, {"params": layer.bias, "lr": 0.01}], lr=0.1)
        >>> optimizer.lr = 0.2  # of all groups that have no lr of their own
        >>> optimizer.groups[1]["lr"] = 0.02
        """
        return tuple(self._groups)

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
        apply(self, self.layout.slots)
        self.steps += 1

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of the learning rate, the step count, the groups and each parameter's state."""
        return {"lr": self.lr, "steps": self.steps, "groups": self._own_values(), "states": self.layout.states()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Copy what :meth:`state_dict` returned back in; all of it or, on an error, nothing.

        Raises:
            StructureError: it was made for other parameters or groups, or another optimizer.
            ShapeError: a tensor does not fit.
        """
        own = {"groups": self._own_values()} | self.state_dict()  # of an earlier version it may have none
        state = refused_misfit(f"{type(self).__name__} over {len(self.parameters)} parameters", own, state)
        lr = non_negative("lr", state["lr"])
        groups = [self._group(each) for each in state["groups"]]
        self._lr, self.steps = lr, state["steps"]
        for mine, theirs in zip(self._groups, groups, strict=True):
            mine.data = theirs.data
        self._layout.write_states(state["states"])

    def _own(self, groups: list[Group]) -> list[Group]:
        for group in groups:
            group.belong_to(self)
        return groups

    def _init_state(self, param: Tensor, group: Group) -> dict[str, Tensor]:
        with having(self, group.own):
            return self.init_state(param)

    def _own_values(self) -> list[dict[str, Any]]:
        """Return each group with the places of its parameters, as PyTorch does."""
        places = {id(each): place for place, each in enumerate(self.parameters)}
        return [{"params": [places[id(each)] for each in group["params"]], **group.own} for group in self._groups]

    def _group(self, own: dict[str, Any]) -> Group:
        """Return the group of which :meth:`_own_values` told."""
        values = {name: value for name, value in own.items() if name != "params"}
        return Group(type(self), [self.parameters[place] for place in own["params"]], values)

    def __getstate__(self) -> dict[str, Any]:
        attributes = {name: value for name, value in vars(self).items() if name not in ("_layout", "_groups")}
        return {"attributes": packed(attributes), "groups": self._own_values(), "states": self.layout.states()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(unpacked(state["attributes"]))
        self._groups = self._own([self._group(each) for each in state["groups"]])
        self._layout = Layout(self._groups, self.elementwise, self._init_state)
        self._layout.write_states(state["states"])

    def __repr__(self) -> str:
        of = f" in {len(self._groups)} groups" if len(self._groups) > 1 else ""
        return f"{type(self).__name__}({len(self.parameters)} parameters{of}, lr={self.lr:g})"


def _norm(value: float | None) -> float | None:
    return None if value is None else positive("max_grad_norm", value)


def _schedule(value: StepFactor | str | None) -> StepFactor | None:
    found: StepFactor | None = made("schedule", value, "schedule")
    if found is not None and (not callable(found) or isinstance(found, type)):
        hint = f"; write {found.__name__}(...)" if isinstance(found, type) else ""
        text = f"schedule must be a function of the number of steps done, or a name, not {value!r:.80}{hint}"
        raise ConfigError(text, name="schedule", value=value)
    return found
