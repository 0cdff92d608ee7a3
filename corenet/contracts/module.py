"""The contract of a module: a ``forward`` that saves and a ``backward`` that consumes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Self

import torch
from torch import Tensor

from corenet.contracts.parameter import Buffer, Parameter, gradient
from corenet.errors import BackwardError, ConfigError, DeviceError, DTypeError, ShapeError, StructureError


class Module:
    """A differentiable function with parameters, and its derivative written by hand.

    A subclass writes two methods::

        forward(input) -> output           and saves what its derivative needs
        backward(grad_output) -> grad_input    and adds to the ``.grad`` of its parameters

    With ``L`` the loss, ``grad_output`` is ``∂L/∂output`` and ``grad_input`` is
    ``∂L/∂input``; each has the shape of the tensor it is the gradient of.
    Attributes that are a :func:`~corenet.Parameter`, a :func:`~corenet.Buffer`, a
    module, or a list, tuple or dict of these are found by themselves; a subclass
    need not call ``super().__init__()``.

    >>> class Square(Module):
    ...     def forward(self, input):
    ...         self.save(input)
    ...         return input**2
    ...     def backward(self, grad_output):
    ...         (input,) = self.saved()
    ...         return 2 * input * grad_output
    >>> square = Square()
    >>> square(torch.tensor([3.0]))
    tensor([9.])
    >>> square.backward(torch.tensor([1.0]))
    tensor([6.])

    Reference: D. Rumelhart, G. Hinton, R. Williams, "Learning representations by
    back-propagating errors", Nature 323, 1986.
    """

    training: bool = True
    _saved: tuple[Tensor, ...] | None = None
    _output_shape: torch.Size | None = None

    # The two methods that a component author writes.

    def forward(self, input: Tensor) -> Tensor:
        """Return the output for ``input``; :meth:`save` what :meth:`backward` will need."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, input)")

    def backward(self, grad_output: Tensor) -> Tensor:
        """Add ``∂L/∂parameter`` to each ``parameter.grad`` and return ``∂L/∂input``."""
        raise NotImplementedError(f"{type(self).__name__} must define backward(self, grad_output)")

    # Two that it may write.

    def check(self, input: Tensor) -> None:
        """Raise a :class:`~corenet.CorenetError` if ``forward`` cannot take ``input``."""

    def backward_parameters(self, grad_output: Tensor) -> None:
        """Do the parameter half of ``backward`` alone, for the first module of a model.

        Nobody asks for the gradient of the data, so a module whose ``∂L/∂input``
        is costly splits its backward in two and defines this half.
        """
        self.backward(grad_output)

    # What they may use.

    def __call__(self, input: Tensor) -> Tensor:
        """Check ``input`` and run :meth:`forward`; a failed one leaves nothing saved."""
        try:
            self.check(input)
            output = self.forward(input)
        except BaseException:
            self.forget()
            raise
        if self._saved is not None:
            object.__setattr__(self, "_output_shape", output.shape)
        return output

    def save(self, *values: Tensor) -> None:
        """Keep ``values`` for ``backward``; outside training mode keep nothing.

        Raises:
            BackwardError: what an earlier forward saved has not been used yet.
        """
        if not self.training:
            return
        if self._saved is not None:
            raise BackwardError(
                f"{self!r} ran forward twice in training mode without a backward between; "
                "call eval() for inference, or forget() to drop the first"
            )
        object.__setattr__(self, "_saved", values)  # past our own __setattr__, which guards parameters

    def saved(self) -> tuple[Tensor, ...]:
        """Hand out what ``forward`` saved, once, and let go of it.

        Raises:
            BackwardError: there was no forward in training mode, or backward ran already.
        """
        if self._saved is None:
            hint = (
                "run forward first, once for each backward"
                if self.training
                else ("it is in eval mode, which saves nothing: call train() before forward")
            )
            raise BackwardError(f"{self!r} has nothing saved for backward; {hint}")
        values = self._saved
        object.__setattr__(self, "_saved", None)
        return values

    def check_floating(self, input: Tensor) -> None:
        """Raise :class:`~corenet.DTypeError` unless ``input`` is a floating-point tensor."""
        if not isinstance(input, Tensor):
            raise DTypeError(f"{self!r} takes a torch.Tensor, got {type(input).__name__}")
        if not input.is_floating_point():
            raise DTypeError(f"{self!r} takes floating-point input, got {input.dtype}; use input.float()")
        if input.requires_grad:
            raise ConfigError(f"{self!r} got input that requires grad; corenet derives by hand: use input.detach()")

    def check_matches(self, input: Tensor, parameter: Tensor) -> None:
        """Raise unless ``input`` has the dtype and the device of ``parameter``."""
        if input.dtype != parameter.dtype:
            raise DTypeError(
                f"{self!r} has {parameter.dtype} parameters and got {input.dtype} input; "
                f"use input.to({parameter.dtype}) or model.to(dtype={input.dtype})"
            )
        if input.device != parameter.device:
            raise DeviceError(
                f"{self!r} is on {parameter.device} and got input on {input.device}; use model.to(device=...)"
            )

    # The tree of modules and tensors.

    def children(self) -> Iterator[tuple[str, Module]]:
        """Yield ``(name, module)`` for the modules that this one holds directly."""
        return ((name, value) for name, value in self._members() if isinstance(value, Module))

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Yield ``(path, module)`` for this module and all below it, each once."""
        return self._walk(prefix, set())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield ``(path, parameter)``, a shared one once, under its first name."""
        return ((name, value) for name, value in self._named_tensors() if isinstance(value, Parameter))

    def parameters(self) -> list[Parameter]:
        """Return every parameter once, in the order of the modules.

        >>> import corenet as cn
        >>> [tuple(p.shape) for p in cn.Linear(2, 3).parameters()]
        [(3, 2), (3,)]
        """
        return [parameter for _, parameter in self.named_parameters()]

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to zero."""
        for parameter in self.parameters():
            gradient(parameter).zero_()

    def reset_parameters(self) -> None:
        """Draw the parameters anew; a module with parameters of its own overrides this."""
        for _, module in self.children():
            module.reset_parameters()

    # Modes.

    def train(self) -> Self:
        """Switch to training mode: forward saves, dropout drops."""
        return self._set_training(True)

    def eval(self) -> Self:
        """Switch to evaluation mode: forward saves nothing, and what was saved is dropped."""
        self.forget()
        return self._set_training(False)

    def forget(self) -> None:
        """Drop what forward saved, here and below."""
        for _, module in self.named_modules():
            module._saved = None

    # State.

    def state_dict(self) -> dict[str, Tensor]:
        """Return a copy of every parameter and buffer, by path, as PyTorch names them."""
        return {name: tensor.detach().clone() for name, tensor in self._named_tensors()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Copy ``state`` into the parameters and buffers; all of it or, on an error, nothing.

        Raises:
            StructureError: a name is missing or unknown.
            ShapeError, DTypeError: a tensor does not fit the one it replaces.
        """
        own = dict(self._named_tensors())
        if own.keys() != state.keys():
            missing = sorted(own.keys() - state.keys()) or "nothing"
            unknown = sorted(state.keys() - own.keys()) or "nothing"
            raise StructureError(f"the state does not fit {type(self).__name__}: missing {missing}, unknown {unknown}")
        for name, tensor in own.items():
            if state[name].shape != tensor.shape:
                raise ShapeError(f"{name!r}", state[name].shape, f"expected {tuple(tensor.shape)}")
            if state[name].dtype != tensor.dtype:
                raise DTypeError(
                    f"{name!r} is {tensor.dtype} and the state has {state[name].dtype}; convert one with .to()"
                )
        for name, tensor in own.items():
            tensor.copy_(state[name])

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move every parameter and buffer, and convert the floating ones; each stays the same object.

        Raises:
            DTypeError: ``dtype`` is not a floating-point one.
        """
        if isinstance(device, torch.dtype):
            raise DTypeError(f"to() takes the dtype by name: to(dtype={device})")
        if dtype is not None and not dtype.is_floating_point:
            raise DTypeError(f"a module needs a floating dtype, not {dtype}")
        for _, tensor in self._named_tensors():
            wanted = dtype if tensor.is_floating_point() else None
            tensor.data = tensor.data.to(device=device, dtype=wanted)
            if tensor.grad is not None:
                # A new object: an optimizer sees by it that its flat tensor is left behind.
                moved = tensor.grad.to(device=device, dtype=wanted)
                tensor.grad = None
                tensor.grad = moved
        return self

    # Inside.

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in ("backward", "backward_parameters"):
            if name in vars(cls):
                setattr(cls, name, _guarded(vars(cls)[name]))

    def __setattr__(self, name: str, value: object) -> None:
        # A plain tensor in the place of a parameter would silently never be trained again.
        current = self.__dict__.get(name)
        if isinstance(value, Tensor) and isinstance(current, Tensor) and value is not current:
            for kind in (Parameter, Buffer):
                if isinstance(current, kind) and not isinstance(value, kind):
                    raise StructureError(
                        f"{type(self).__name__}.{name} is a {kind.__name__}; write in place, "
                        f"self.{name}.copy_(value), or assign {kind.__name__}(value)"
                    )
        object.__setattr__(self, name, value)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        for parameter in self.parameters():  # pickle leaves a tensor's .grad behind
            gradient(parameter)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def _set_training(self, training: bool) -> Self:
        for _, module in self.named_modules():
            module.training = training
        return self

    def _members(self) -> Iterator[tuple[str, object]]:
        for name, value in vars(self).items():
            if name not in ("_saved", "_output_shape"):
                yield from _unpack(name, value)

    def _walk(self, path: str, seen: set[int]) -> Iterator[tuple[str, Module]]:
        if id(self) in seen:
            return
        seen.add(id(self))
        yield path, self
        for name, child in self.children():
            yield from child._walk(_join(path, name), seen)

    def _named_tensors(self) -> Iterator[tuple[str, Tensor]]:
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, value in module._members():
                if isinstance(value, (Parameter, Buffer)) and id(value) not in seen:
                    seen.add(id(value))
                    yield _join(path, name), value


def _guarded(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``backward`` behind a look at its argument: one of another shape might broadcast to a wrong gradient."""

    @wraps(backward)
    def checked(self: Module, grad_output: Tensor, **options: Any) -> Any:
        shape = self._output_shape
        if shape is not None and self._saved is not None and grad_output.shape != shape:
            raise ShapeError(f"backward of {self!r}", grad_output.shape, f"expected the output's shape {tuple(shape)}")
        return backward(self, grad_output, **options)

    return checked


@contextmanager
def evaluating(module: Module) -> Iterator[None]:
    """Put ``module`` in evaluation mode, and each module below back in its own mode after."""
    modes = [(each, each.training) for _, each in module.named_modules()]
    module.eval()
    try:
        yield
    finally:
        for each, training in modes:
            each.training = training


def _unpack(name: str, value: object) -> Iterator[tuple[str, object]]:
    """Yield ``value`` under ``name``, or, of a container, each of its items."""
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _unpack(_join(name, str(index)), item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _unpack(_join(name, str(key)), item)
    else:
        yield name, value


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
