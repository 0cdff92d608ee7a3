"""The contract of a module: a ``forward`` that saves tensors and a ``backward`` that uses them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Self

from torch import Tensor

from corenet.contracts.parameter import Buffer, Parameter
from corenet.contracts.saved import Saved
from corenet.contracts.tree import Tree
from corenet.errors import BackwardError, ConfigError, DeviceError, DTypeError, ShapeError, StructureError


class Module(Tree["Module"]):
    """A differentiable function with parameters, and its derivative written by hand.

    A subclass writes two methods::

        forward(input) -> output           and saves what its derivative needs
        backward(grad_output) -> grad_input    and adds to the ``.grad`` of its parameters

    With ``L`` the loss, ``grad_output`` is ``∂L/∂output`` and ``grad_input`` is
    ``∂L/∂input``; each has the shape of the tensor it is the gradient of.
    Attributes that are a :func:`~corenet.Parameter`, a :func:`~corenet.Buffer`, a
    module, or a list, tuple or dict of these are found without being registered; a
    subclass need not call ``super().__init__()``.

    >>> import torch
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
    _saved: Saved | None = None
    _half_is_older: bool = False  # backward_parameters is inherited from a class whose backward was overridden

    # The two methods that an author writes.

    def forward(self, input: Tensor) -> Tensor:
        """Return the output for ``input``; :meth:`save` what :meth:`backward` will need."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, input)")

    def backward(self, grad_output: Tensor) -> Tensor:
        """Add ``∂L/∂parameter`` to each ``parameter.grad`` and return ``∂L/∂input``."""
        raise NotImplementedError(f"{type(self).__name__} must define backward(self, grad_output)")

    # Two methods that an author may write.

    def check(self, input: Tensor) -> None:
        """Raise a :class:`~corenet.CorenetError` if ``forward`` cannot take ``input``."""

    def backward_parameters(self, grad_output: Tensor) -> None:
        """Do the parameter half of ``backward`` alone, for the first module of a model.

        Training does not use the gradient of the data, so a module whose ``∂L/∂input``
        is costly splits its backward in two and defines this half.
        """
        self.backward(grad_output)

    # What these methods may use.

    def __call__(self, input: Tensor) -> Tensor:
        """Check ``input`` and run :meth:`forward`; one that fails leaves nothing saved.

        Raises:
            DTypeError: ``forward`` returned something else than a tensor.
        """
        try:
            self.check(input)
            output = self.forward(input)
        except BaseException:
            self.forget()
            raise
        if not isinstance(output, Tensor):
            self.forget()
            raise DTypeError(f"{self!r}: forward returns {type(output).__name__}, not a tensor")
        saved = self._saved
        if saved is not None:
            saved.shape, saved.dtype = output.shape, output.dtype
        return output

    def save(self, *values: Tensor) -> None:
        """Keep ``values`` for ``backward``; outside training mode keep nothing.

        Raises:
            BackwardError: what an earlier forward saved has not been used yet.
            DTypeError: a value is not a tensor.
        """
        if not self.training:
            return
        if self._saved is not None:
            raise BackwardError(
                f"{self!r} ran forward twice in training mode without a backward between; "
                "call eval() for inference, or forget() to drop the first"
            )
        if not all(isinstance(value, Tensor) for value in values):
            kinds = ", ".join(type(value).__name__ for value in values)
            raise DTypeError(f"{self!r} may save tensors, not ({kinds}); keep anything else as an attribute")
        object.__setattr__(self, "_saved", Saved(values))  # without the checks of Tree.__setattr__

    def saved(self) -> tuple[Tensor, ...]:
        """Return what ``forward`` saved, once, and keep it no longer.

        Raises:
            BackwardError: there was no forward in training mode, backward ran already, or
                a saved tensor was changed in place since.
        """
        if self._saved is None:
            hint = (
                "run forward first, once for each backward"
                if self.training
                else "it is in eval mode, which saves nothing: call train() before forward"
            )
            raise BackwardError(f"{self!r} has nothing saved for backward; {hint}")
        saved = self._saved
        object.__setattr__(self, "_saved", None)
        return saved.unchanged(self)

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

    # Modes and parameters.

    def reset_parameters(self) -> None:
        """Draw the parameters anew; a module with parameters of its own overrides this."""
        for _, module in self.children():
            module.reset_parameters()

    def train(self, mode: bool = True) -> Self:
        """Switch to training mode, in which forward saves and dropout drops; ``train(False)`` is :meth:`eval`.

        Raises:
            ConfigError: ``mode`` is neither True nor False; to train a model, see :func:`~corenet.fit`.
        """
        if not isinstance(mode, bool):
            raise ConfigError(
                f"train(mode) switches the mode by True or False, not {type(mode).__name__}; corenet.fit trains",
                name="mode",
                value=mode,
            )
        for _, module in self.named_modules():
            module.training = mode
            if not mode:
                module._saved = None
        return self

    def eval(self) -> Self:
        """Switch to evaluation mode: forward saves nothing, and what was saved is dropped."""
        return self.train(False)

    def forget(self) -> None:
        """Drop what forward saved, here and below."""
        for _, module in self.named_modules():
            module._saved = None

    # Inside.

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "backward" in vars(cls) or "backward_parameters" in vars(cls):
            cls._half_is_older = "backward_parameters" not in vars(cls)
        for name in ("backward", "backward_parameters"):
            if name in vars(cls):
                setattr(cls, name, _guarded(name, vars(cls)[name]))
        for name, value in vars(cls).items():
            if isinstance(value, (Parameter, Buffer)):
                raise StructureError(
                    f"{cls.__name__}.{name} belongs to the class, so no instance would train it; assign it in __init__"
                )

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def _guarded(name: str, backward: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``backward`` with its argument and its result checked.

    An argument of another shape might broadcast, one of another dtype convert, a forgotten ``return`` go unnoticed.
    """

    @wraps(backward)
    def checked(self: Module, grad_output: Tensor, **options: Any) -> Any:
        saved = self._saved
        if saved is not None and saved.shape is not None:
            fits = isinstance(grad_output, Tensor) and grad_output.shape == saved.shape
            if not fits or grad_output.dtype != saved.dtype:
                raise _misfit(self, grad_output, saved)
            saved.shape = None  # a backward inside this one is of another output
            if self._half_is_older:
                return self.backward(grad_output)
        grad_input = backward(self, grad_output, **options)
        if name == "backward" and not isinstance(grad_input, Tensor):
            raise DTypeError(f"{self!r}: backward returns {type(grad_input).__name__}, not a tensor")
        return grad_input

    return checked


def _misfit(module: Module, grad_output: Any, saved: Saved) -> Exception:
    if not isinstance(grad_output, Tensor):
        return DTypeError(f"backward of {module!r} takes a torch.Tensor, got {type(grad_output).__name__}")
    if grad_output.shape != saved.shape:
        expected = f"expected the output's shape {tuple(saved.shape or ())}"
        return ShapeError(f"backward of {module!r}", grad_output.shape, expected)
    return DTypeError(
        f"backward of {module!r} got a {grad_output.dtype} gradient for its {saved.dtype} output; "
        f"use grad_output.to({saved.dtype})"
    )
