"""The simple recurrent network."""

from __future__ import annotations

import corenet as cn
import torch
from torch import Tensor

from corenet_sequence.arguments import refuse_no_choice
from corenet_sequence.drawing import normal
from corenet_sequence.recurrent.layer import RecurrentLayer
from corenet_sequence.recurrent.stack import Recurrent


class RNNLayer(RecurrentLayer):
    """One layer of :class:`RNN` in one direction."""

    gates = 1

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, dtype: torch.dtype | None, nonlinearity: str
    ) -> None:
        self.nonlinearity = nonlinearity
        super().__init__(input_size, hidden_size, bias, dtype)

    def forward(self, input: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        hiddens = [hidden]
        for step in self.from_input(input, self.bias).unbind(0):
            sum = step.addmm_(hiddens[-1], self.weight_hh.T)
            hiddens.append(sum.tanh() if self.nonlinearity == "tanh" else sum.relu())
        states = torch.stack(hiddens)
        self.save(input, states)
        return states[1:], hiddens[-1]

    def backward(self, grad_output: Tensor, grad_hidden: Tensor) -> tuple[Tensor, Tensor]:
        input, hiddens = self.saved()
        before, after = hiddens[:-1], hiddens[1:]
        slopes = 1 - after * after if self.nonlinearity == "tanh" else (after > 0).to(after.dtype)
        for slope, grad in zip(reversed(slopes.unbind(0)), reversed(grad_output.unbind(0)), strict=True):
            slope *= grad_hidden + grad  # daₜ = dhₜ · f′(aₜ)
            grad_hidden = slope @ self.weight_hh  # dhₜ₋₁ = daₜ W_hh
        return self.add_gradients(input, before, slopes, slopes), grad_hidden


class RNN(Recurrent):
    r"""A simple recurrent network, ``hₜ = f(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh)`` with f = tanh or ReLU.

    With ``aₜ`` what f is applied to, and ``dhₜ`` the gradient of the output at t and of what comes after it, from the
    last step to the first::

        daₜ = dhₜ · f′(aₜ)        dhₜ₋₁ += daₜ W_hh        dxₜ = daₜ W_ih
        dW_ih = Σₜ daₜᵀ xₜ        dW_hh = Σₜ daₜᵀ hₜ₋₁     db_ih = db_hh = Σₜ daₜ

    A further layer has the outputs of the one before as its input; the reverse direction begins at the last step.

    Args:
        input_size: width of ``xₜ``.
        hidden_size: width of ``hₜ``, H.
        num_layers: how many layers there are.
        nonlinearity: ``"tanh"`` or ``"relu"``.
        bias: False leaves ``b_ih`` and ``b_hh`` out.
        batch_first: whether input and output are ``(N, L, ·)``, not ``(L, N, ·)``.
        dropout: with which probability an element between two layers is set to zero, in training.
        bidirectional: whether each layer runs in both directions; D = 2 then, 1 else.
        device, dtype: where and as what the parameters live; torch's defaults if None.

    Shape: input ``(L, N, input_size)`` or, of one sequence, ``(L, input_size)``, and if they are not zeros the first
    states ``(D · num_layers, N, H)``; output ``(L, N, D · H)`` and the last states. Parameters are called as PyTorch
    calls them, ``weight_ih_l0``, ``bias_hh_l1_reverse``.

    Raises:
        ConfigError: a size is no positive integer, ``dropout`` is not in [0, 1], or there is no such nonlinearity.
        ShapeError: a last dimension is not ``input_size``, or the states do not fit.
        DTypeError, DeviceError: an input does not match the parameters.

    >>> rnn = RNN(1, 1, bias=False)
    >>> _ = [parameter.fill_(0.5) for parameter in rnn.parameters()]
    >>> output, last = rnn(torch.tensor([[2.0], [0.0]]))
    >>> output
    tensor([[0.7616],
            [0.3634]])
    >>> rnn.backward(torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0]]))
    tensor([[0.0911],
            [0.4340]])

    Reference: J. Elman, "Finding structure in time", Cognitive Science 14, 1990.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        refuse_no_choice("RNN", "nonlinearity", nonlinearity, ("tanh", "relu"))
        self.nonlinearity = nonlinearity
        self.bias = bias
        super().__init__(input_size, hidden_size, num_layers, batch_first, dropout, bidirectional, device, dtype)

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: one layer, several both ways, the other nonlinearity."""
        deep = {"num_layers": 2, "bidirectional": True, "batch_first": True, "dropout": 0.3}
        return [
            cn.Case(args=(3, 2), inputs=normal((5, 4, 3))),
            cn.Case(deep, args=(3, 2), inputs=normal((4, 3, 3))),
            cn.Case({"nonlinearity": "relu", "bias": False}, args=(3, 2), inputs=normal((5, 4, 3), (1, 4, 2))),
            cn.Case(args=(3, 2), inputs=normal((5, 3))),
        ]

    def layer(self, width: int, dtype: torch.dtype | None) -> RecurrentLayer:
        return RNNLayer(width, self.hidden_size, self.bias, dtype, self.nonlinearity)
