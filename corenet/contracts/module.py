"""The contract of a module: a ``forward`` that saves tensors and a ``backward`` that uses them."""

from __future__ import annotations

from typing import Any, TypeVar

from torch import Tensor

from corenet.contracts import penalties, value_checks
from corenet.contracts.guarded import forms_of, guarded, refuse_count
from corenet.contracts.guarded_init import guard_constructor
from corenet.contracts.input_checks import InputChecks
from corenet.contracts.modes import Modes
from corenet.contracts.saved import Saved
from corenet.contracts.tree import Tree, refuse_tensors_of_class
from corenet.contracts.unusable import refuse_unusable
from corenet.errors import BackwardError, CorenetError

ModuleT = TypeVar("ModuleT", bound="Module")


class Module(InputChecks, Modes, Tree["Module"]):
    """A differentiable function with parameters, and its derivative written by hand.

    A subclass writes two methods::

        forward(input) -> output           and saves what its derivative needs
        backward(grad_output) -> grad_input    and adds to the ``.grad`` of its parameters

    With ``L`` the loss, ``grad_output`` is ``∂L/∂output`` and ``grad_input`` is
    ``∂L/∂input``; each has the shape of the tensor it is the gradient of. Of several inputs each is an argument of
    its own, and ``backward`` returns a tuple with a gradient for each, None for one of integers; several outputs are
    a tuple, and ``backward`` takes a gradient for each.
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

    _saved: Saved | None = None
    _is_repeatable: bool = False  # it may run forward again before its backward
    _repeats: tuple[Module, ...] = ()  # what it runs several times in a forward
    _have_gradients: tuple[bool, ...] = (True,)  # for each input of the last forward
    _checks_values: bool = False
    _half_is_older: bool = False  # backward_parameters is inherited from a class whose backward was overridden

    # The two methods that an author writes.

    def forward(self, *inputs: Any, **_: Any) -> Any:
        """Return the output for an input, or for several; :meth:`save` what :meth:`backward` will need."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, input)")

    def backward(self, *grad_outputs: Any, **_: Any) -> Any:
        """Add ``∂L/∂parameter`` to each ``parameter.grad`` and return ``∂L/∂input``."""
        raise NotImplementedError(f"{type(self).__name__} must define backward(self, grad_output)")

    # Three methods that an author may write.

    def check(self, *inputs: Any, **_: Any) -> None:
        """Raise a :class:`~corenet.CorenetError` if ``forward`` cannot take such inputs: by shape, dtype, device."""

    def check_values(self, *inputs: Any, **_: Any) -> None:
        """Raise a :class:`~corenet.CorenetError` if ``forward`` cannot take the numbers of its inputs.

        Engines ask it outside of what they record, so it may look at numbers, which ``forward`` and ``check`` may not.
        """

    def backward_parameters(self, *grad_outputs: Any, **_: Any) -> None:
        """Do the parameter half of ``backward`` alone, for the first module of a model.

        Training does not use the gradient of the data, so a module whose ``∂L/∂input``
        is costly splits its backward in two and defines this half.
        """
        self.backward(*grad_outputs)

    # What these methods may use.

    def __call__(self, input: Any, *others: Any) -> Tensor:
        """Check the inputs and run :meth:`forward`; one that fails leaves nothing saved.

        Raises:
            StructureError: it takes another number of inputs.
            DTypeError: ``forward`` returned something else than a tensor or a tuple of tensors.
        """
        try:
            if others:
                self.check(input, *others)
            else:
                self.check(input)  # which Python calls faster than with a star
            if self._checks_values:
                value_checks.ask(self, (input, *others))
            output: Tensor = self.forward(input, *others) if others else self.forward(input)
        except BaseException as error:
            self.forget()
            if isinstance(error, TypeError):
                refuse_count(self, (input, *others))
            if isinstance(error, Exception) and not isinstance(error, CorenetError):
                is_of_kind = isinstance(error, TypeError | AttributeError)  # as of a None that must not be one
                refuse_unusable(self, [each for each in (input, *others) if each is not None or is_of_kind])
            raise
        saved = self._saved
        if saved is not None and type(output) is Tensor:
            saved.outputs = ((output.shape, output.dtype),)
        elif type(output) is not Tensor:
            forms = forms_of(self, output)
            if saved is not None:
                saved.outputs = forms
        # As nearly always; by len, since torch.compile captures no "not" of a tuple.
        has_one = len(others) == 0 and type(input) is Tensor and input.dtype.is_floating_point
        if not has_one or self._have_gradients != (True,):
            self.__dict__["_have_gradients"] = tuple(map(_has_gradient, (input, *others)))
        return output

    def save(self, *values: Any) -> None:
        """Keep ``values`` for ``backward``; outside training mode keep nothing.

        Tensors among them must not be changed in place until then; :meth:`saved` looks.

        Raises:
            BackwardError: what an earlier forward saved has not been used yet.
        """
        if not (self.training or self._saves_frozen):
            return
        if self._saved is not None and not self._is_repeatable:
            raise BackwardError(
                f"{self!r} ran forward twice in training mode without a backward between; "
                "call eval() for inference, forget() to drop the first, or let the module that holds it repeat() it"
            )
        self.__dict__["_saved"] = Saved(values, self._saved)  # past the checks of Tree.__setattr__

    def saved(self) -> tuple[Tensor, ...]:
        """Return what ``forward`` saved, once, and keep it no longer.

        Raises:
            BackwardError: there was no forward in training mode, backward ran already, or
                a saved tensor was changed in place since.
        """
        if self._saved is None:
            hint = (
                "run forward first, once for each backward"
                if self.training or self._saves_frozen
                else "it is in eval mode, which saves nothing: call train() before forward"
            )
            raise BackwardError(f"{self!r} has nothing saved for backward; {hint}")
        saved = self._saved
        self.__dict__["_saved"] = saved.before
        return saved.unchanged(self)

    def repeat(self, module: ModuleT) -> ModuleT:
        """Return ``module``, which this one may then run several times in a forward, such as the cell of a recurrence.

        Its backward then runs as often, the last forward's first: each takes what the forward saved that it belongs
        to. This module's backward raises :class:`~corenet.BackwardError` if it ran one less often.

        >>> import corenet as cn, torch
        >>> class Twice(cn.Module):
        ...     def __init__(self, inner):
        ...         self.inner = self.repeat(inner)
        ...     def forward(self, input):
        ...         return self.inner(self.inner(input))
        ...     def backward(self, grad_output):
        ...         return self.inner.backward(self.inner.backward(grad_output))
        >>> cn.gradcheck(Twice(cn.Linear(3, 3)), torch.randn(4, 3)).ok
        True
        """
        for _, each in module.named_modules():
            each._is_repeatable = True
        self._repeats = (*self._repeats, module)
        return module

    def add_penalty(self, value: Tensor) -> None:
        """Add a number to the loss of the step whose forward this is, such as a weight penalty or a divergence.

        Its derivative is this module's own affair: ``backward`` adds it to the gradients, with a factor of 1. In
        evaluation, and outside of a training step, the number is dropped.

        >>> import corenet as cn, torch
        >>> class Decayed(cn.Linear):
        ...     def forward(self, input):
        ...         self.add_penalty(0.01 * self.weight.square().sum())
        ...         return super().forward(input)
        ...     def backward(self, grad_output):
        ...         self.weight.grad += 0.02 * self.weight
        ...         return super().backward(grad_output)
        >>> model, data = cn.Sequential(Decayed(2, 1), cn.Sigmoid()), cn.data.disk(100, seed=0)
        >>> history = cn.fit(model, cn.BCELoss(), cn.SGD(model.parameters(), lr=0.1), data, epochs=1, batch_size=10)
        """
        penalties.add(self, value)

    # Modes and parameters.

    def reset_parameters(self) -> None:
        """Draw the parameters anew; a module with parameters of its own overrides this."""
        for _, module in self.children():
            module.reset_parameters()

    # Inside.

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        guard_constructor(cls)
        if "backward" in vars(cls) or "backward_parameters" in vars(cls):
            cls._half_is_older = "backward_parameters" not in vars(cls)
        cls._checks_values = cls.check_values is not Module.check_values
        for name in ("backward", "backward_parameters"):
            if name in vars(cls):
                setattr(cls, name, guarded(name, vars(cls)[name]))
        refuse_tensors_of_class(cls)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def _has_gradient(input: object) -> bool:
    return isinstance(input, Tensor) and (input.dtype.is_floating_point or input.dtype.is_complex)
