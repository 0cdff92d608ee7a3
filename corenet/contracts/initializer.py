"""The contract of an initializer: how a new weight is filled."""

from __future__ import annotations

from collections.abc import Callable
from math import nan

from torch import Tensor

from corenet.errors import ConfigError
from corenet.registry.named import made

Init = str | Callable[[Tensor], object]


class Initializer:
    """How a weight starts: a function that fills a tensor in place.

    A subclass writes ``__call__``, and draws from torch's generator if it draws. The bias of the same layer is zero,
    unless it writes ``fill_bias`` too.

    >>> import torch
    >>> class Identity(Initializer):
    ...     def __call__(self, weight):
    ...         weight.zero_().fill_diagonal_(1)
    >>> weight = torch.empty(2, 3)
    >>> Identity()(weight)
    >>> weight
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """

    def __call__(self, weight: Tensor) -> None:
        """Fill ``weight``, of shape (fan_out, fan_in, ...), in place."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, weight)")

    def fill_bias(self, bias: Tensor, weight: Tensor) -> None:
        """Fill the bias of the layer whose weight is ``weight``."""
        bias.zero_()


def initializer(init: Init) -> Callable[[Tensor], object]:
    """Return what fills a weight: of a name the component, plain or qualified; any other function as it is.

    Raises:
        UnknownComponentError: no initializer has the name.
        ConfigError: ``init`` is neither a name nor a function.
    """
    found = made("initializer", init, "init")
    if not callable(found) or isinstance(found, type):
        raise ConfigError(
            f"init takes the name of an initializer or a function that fills a tensor in place, not {init!r:.80}",
            name="init",
            value=init,
        )
    return found  # type: ignore[no-any-return]


def initialize(init: Init, weight: Tensor, bias: Tensor | None = None) -> None:
    """Fill the weight of a layer, and its bias if it has one, as ``init`` says.

    Raises:
        ConfigError: it leaves numbers of the weight as they were, or changes its shape.

    >>> import torch
    >>> weight, bias = torch.empty(1, 2), torch.empty(1)
    >>> initialize(lambda weight: weight.fill_(3), weight, bias)
    >>> weight, bias
    (tensor([[3., 3.]]), tensor([0.]))
    """
    fill, shape = initializer(init), weight.shape
    weight.fill_(nan)
    fill(weight)
    if weight.shape != shape or (not weight.is_meta and weight.isnan().any()):
        raise ConfigError(
            f"init={init!r:.80} does not fill the whole weight {tuple(shape)} in place, as weight.uniform_(-1, 1) does",
            name="init",
            value=init,
        )
    if isinstance(fill, Initializer) and bias is not None:
        fill.fill_bias(bias, weight)
    elif bias is not None:
        bias.zero_()
