"""Long short-term memory."""

from __future__ import annotations

import corenet as cn
import torch
from torch import Tensor

from corenet_sequence.drawing import normal
from corenet_sequence.recurrent.layer import RecurrentLayer
from corenet_sequence.recurrent.stack import Recurrent


class LSTMLayer(RecurrentLayer):
    """One layer of :class:`LSTM` in one direction; its gates lie side by side: i, f, g, o."""

    gates = 4

    def forward(self, input: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        gates = self.from_input(input, self.bias)
        each = zip(gates.unbind(0), *(part.unbind(0) for part in gates.chunk(4, -1)), strict=True)
        hiddens, cells, candidates, tanhs, recurrent = [hidden], [cell], [], [], self.weight_hh.T
        for step, i, f, candidate, o in each:  # i, f, o are views of the step's gates, which are written in place
            step.addmm_(hidden, recurrent)
            g = candidate.tanh()
            step.sigmoid_()  # one kernel for i, f and o; what it makes of the candidate nobody reads
            cell = torch.addcmul(i * g, f, cell)  # cₜ = f cₜ₋₁ + i g
            tanh = cell.tanh()
            hidden = o * tanh  # hₜ = o tanh cₜ
            hiddens.append(hidden)
            cells.append(cell)
            candidates.append(g)
            tanhs.append(tanh)
        states = torch.stack(hiddens)
        self.save(input, gates, states, *map(torch.stack, (cells, candidates, tanhs)))
        return states[1:], hidden, cell

    def backward(self, grad_output: Tensor, grad_hidden: Tensor, grad_cell: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        input, gates, hiddens, cells, g, tanh = self.saved()
        i, f, _, o = gates.chunk(4, -1)
        through = o * (1 - tanh * tanh)  # ∂h/∂c
        # What c changes by with what σ and tanh of i, f, g are applied to, and h with that of o: of all steps at once.
        slopes = torch.stack([g * i * (1 - i), cells[:-1] * f * (1 - f), i * (1 - g * g), tanh * o * (1 - o)], -2)
        of_cell, of_hidden = slopes[..., :3, :], slopes[..., 3, :]
        steps = [reversed(part.unbind(0)) for part in (grad_output, through, of_cell, of_hidden, slopes.flatten(2), f)]
        for grad, through_t, by_cell, by_hidden, grad_gates, forget in zip(*steps, strict=True):
            grad_hidden = grad_hidden + grad
            grad_cell = torch.addcmul(grad_cell, grad_hidden, through_t)
            by_cell *= grad_cell.unsqueeze(1)
            by_hidden *= grad_hidden
            grad_hidden = grad_gates @ self.weight_hh  # dhₜ₋₁ = daₜ W_hh
            grad_cell = grad_cell * forget  # dcₜ₋₁ = f dcₜ
        grad_gates = slopes.flatten(2)
        return self.add_gradients(input, hiddens[:-1], grad_gates, grad_gates), grad_hidden, grad_cell


class LSTM(Recurrent):
    r"""Long short-term memory: a cell ``c`` that gates write and forget, and a state ``h`` that it is read into.

    With ``aₜ = W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh``, whose four parts go into the gates i, f, g, o::

        i, f, o = σ(aₜⁱ), σ(aₜᶠ), σ(aₜᵒ)      g = tanh aₜᵍ
        cₜ = f cₜ₋₁ + i g                     hₜ = o tanh cₜ

    and from the last step to the first, where ``dhₜ`` and ``dcₜ`` are the gradients of the outputs at t and of what
    comes after them::

        dcₜ += dhₜ o (1 − tanh² cₜ)           daₜᵒ = dhₜ tanh cₜ o (1 − o)
        daₜⁱ = dcₜ g i (1 − i)                daₜᶠ = dcₜ cₜ₋₁ f (1 − f)          daₜᵍ = dcₜ i (1 − g²)
        dhₜ₋₁ += daₜ W_hh                     dcₜ₋₁ += f dcₜ                     dxₜ = daₜ W_ih
        dW_ih = Σₜ daₜᵀ xₜ                    dW_hh = Σₜ daₜᵀ hₜ₋₁               db_ih = db_hh = Σₜ daₜ

    A further layer has the outputs of the one before as its input; the reverse direction begins at the last step.

    Args:
        input_size: width of ``xₜ``.
        hidden_size: width of ``hₜ`` and ``cₜ``, H.
        num_layers: how many layers there are.
        bias: False leaves ``b_ih`` and ``b_hh`` out.
        batch_first: whether input and output are ``(N, L, ·)``, not ``(L, N, ·)``.
        dropout: with which probability an element between two layers is set to zero, in training.
        bidirectional: whether each layer runs in both directions; D = 2 then, 1 else.
        device, dtype: where and as what the parameters live; torch's defaults if None.

    Shape: input ``(L, N, input_size)`` or, of one sequence, ``(L, input_size)``, and if they are not zeros ``h_0`` and
    ``c_0``, each ``(D · num_layers, N, H)``; output ``(L, N, D · H)``, ``h_n`` and ``c_n``, three tensors. Parameters
    are called as PyTorch calls them, ``weight_ih_l0``, ``bias_hh_l1_reverse``.

    Raises:
        ConfigError: a size is no positive integer, or ``dropout`` is not in [0, 1].
        ShapeError: the last dimension is not ``input_size``, or a first state does not fit.
        StructureError: one first state alone is given.
        DTypeError, DeviceError: an input does not match the parameters.

    >>> lstm = LSTM(1, 1, bias=False)
    >>> _ = [parameter.fill_(1.0) for parameter in lstm.parameters()]
    >>> output, h_n, c_n = lstm(torch.tensor([[1.0], [0.0]]))
    >>> output
    tensor([[0.3696],
            [0.2908]])
    >>> lstm.backward(torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0]]), torch.tensor([[0.0]]))
    tensor([[0.2775],
            [0.4495]])

    Reference: S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9, 1997; F. Gers,
    J. Schmidhuber, F. Cummins, "Learning to forget", Neural Computation 12, 2000.
    """

    states = 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        self.bias = bias
        super().__init__(input_size, hidden_size, num_layers, batch_first, dropout, bidirectional, device, dtype)

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: one layer, several both ways, and first states."""
        deep = {"num_layers": 2, "bidirectional": True, "batch_first": True, "dropout": 0.3}
        return [
            cn.Case(args=(3, 2), inputs=normal((5, 4, 3))),
            cn.Case(deep, args=(3, 2), inputs=normal((4, 3, 3))),
            cn.Case({"bias": False}, args=(3, 2), inputs=normal((5, 4, 3), (1, 4, 2), (1, 4, 2))),
            cn.Case(args=(3, 2), inputs=normal((5, 3))),
        ]

    def layer(self, width: int, dtype: torch.dtype | None) -> RecurrentLayer:
        return LSTMLayer(width, self.hidden_size, self.bias, dtype)
