"""The gated recurrent unit."""

from __future__ import annotations

import corenet as cn
import torch
from torch import Tensor

from corenet_sequence.drawing import normal
from corenet_sequence.recurrent.layer import RecurrentLayer
from corenet_sequence.recurrent.stack import Recurrent


class GRULayer(RecurrentLayer):
    """One layer of :class:`GRU` in one direction; its gates lie side by side: r, z, n."""

    gates = 3

    def forward(self, input: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        width = self.hidden_size
        of_input = self.from_input(input, self.bias_ih).split([2 * width, width], -1)
        hiddens, gates, candidates, products = [hidden], [], [], []
        for sigmoid, candidate in zip(*(part.unbind(0) for part in of_input), strict=True):
            of_gates, of_candidate = self._from_hidden(hidden).split([2 * width, width], -1)
            gate = (sigmoid + of_gates).sigmoid()
            r, z = gate.split(width, -1)
            n = torch.addcmul(candidate, r, of_candidate).tanh()
            hidden = torch.lerp(n, hidden, z)  # hₜ = (1 − z) n + z hₜ₋₁
            hiddens.append(hidden)
            gates.append(gate)
            candidates.append(n)
            products.append(of_candidate)
        states = torch.stack(hiddens)
        self.save(input, states, torch.stack(gates), torch.stack(candidates), torch.stack(products))
        return states[1:], hidden

    def backward(self, grad_output: Tensor, grad_hidden: Tensor) -> tuple[Tensor, Tensor]:
        input, hiddens, gates, n, products = self.saved()
        r, z = gates.chunk(2, -1)
        by_n = (1 - z) * (1 - n * n)
        # What hₜ changes by with what σ and tanh are applied to, at all steps: of r, z, the state's part of n, and n.
        slopes = torch.stack([by_n * products * r * (1 - r), (hiddens[:-1] - n) * z * (1 - z), by_n * r, by_n], -2)
        of_hidden = slopes[..., :3, :].flatten(2)
        steps = [reversed(part.unbind(0)) for part in (grad_output, z, slopes, of_hidden)]
        for grad, keep, slope, grad_gates in zip(*steps, strict=True):
            grad_hidden = grad_hidden + grad
            slope *= grad_hidden.unsqueeze(1)
            grad_hidden = keep * grad_hidden + grad_gates @ self.weight_hh
        of_input = torch.cat([slopes[..., :2, :], slopes[..., 3:, :]], -2).flatten(2)
        return self.add_gradients(input, hiddens[:-1], of_input, of_hidden), grad_hidden

    def _from_hidden(self, hidden: Tensor) -> Tensor:
        """Return ``hₜ₋₁ W_hhᵀ + b_hh``."""
        recurrent = self.weight_hh.T
        return hidden @ recurrent if self.bias_hh is None else torch.addmm(self.bias_hh, hidden, recurrent)


class GRU(Recurrent):
    r"""The gated recurrent unit: a state that a gate ``z`` keeps, or lets a candidate ``n`` replace.

    With W, U and b the parts of ``weight_ih``, ``weight_hh`` and the biases that belong to a gate::

        r = σ(W_r xₜ + b_r + U_r hₜ₋₁ + b′_r)      z = σ(W_z xₜ + b_z + U_z hₜ₋₁ + b′_z)
        n = tanh(W_n xₜ + b_n + r m)               m = U_n hₜ₋₁ + b′_n
        hₜ = (1 − z) n + z hₜ₋₁

    and from the last step to the first, where ``dhₜ`` is the gradient of the output at t and of what comes after it,
    and ``da`` those of what σ and tanh are applied to::

        daₙ = dhₜ (1 − z) (1 − n²)                 dm = r daₙ
        da_r = daₙ m r (1 − r)                     da_z = dhₜ (hₜ₋₁ − n) z (1 − z)
        dhₜ₋₁ += z dhₜ + da_r U_r + da_z U_z + dm U_n
        dxₜ = da_r W_r + da_z W_z + daₙ Wₙ

    and of weights and biases the sums over t, as for :class:`~corenet_sequence.RNN`.

    Args:
        input_size: width of ``xₜ``.
        hidden_size: width of ``hₜ``, H.
        num_layers: how many layers there are.
        bias: False leaves the biases out.
        batch_first: whether input and output are ``(N, L, ·)``, not ``(L, N, ·)``.
        dropout: with which probability an element between two layers is set to zero, in training.
        bidirectional: whether each layer runs in both directions; D = 2 then, 1 else.
        device, dtype: where and as what the parameters live; torch's defaults if None.

    Shape: input ``(L, N, input_size)`` or, of one sequence, ``(L, input_size)``, and if they are not zeros the first
    states ``(D · num_layers, N, H)``; output ``(L, N, D · H)`` and the last states. Parameters are called as PyTorch
    calls them, ``weight_ih_l0``, ``bias_hh_l1_reverse``.

    Raises:
        ConfigError: a size is no positive integer, or ``dropout`` is not in [0, 1].
        ShapeError: the last dimension is not ``input_size``, or the first states do not fit.
        DTypeError, DeviceError: an input does not match the parameters.

    >>> gru = GRU(1, 1, bias=False)
    >>> _ = [parameter.fill_(1.0) for parameter in gru.parameters()]
    >>> output, h_n = gru(torch.tensor([[1.0], [0.0]]))
    >>> output
    tensor([[0.2048],
            [0.1633]])
    >>> gru.backward(torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0]]))
    tensor([[-0.0309],
            [ 0.4886]])

    Reference: K. Cho et al., "Learning phrase representations using RNN encoder–decoder", EMNLP 2014; with r after the
    product, as in PyTorch and cuDNN.
    """

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
            cn.Case({"bias": False}, args=(3, 2), inputs=normal((5, 4, 3), (1, 4, 2))),
            cn.Case(args=(3, 2), inputs=normal((5, 3))),
        ]

    def layer(self, width: int, dtype: torch.dtype | None) -> RecurrentLayer:
        return GRULayer(width, self.hidden_size, self.bias, dtype)
