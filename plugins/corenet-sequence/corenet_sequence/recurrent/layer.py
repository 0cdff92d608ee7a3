"""What the layers of all recurrent networks have in common: the weights, and the products over all steps at once."""

from __future__ import annotations

from math import sqrt

import corenet as cn
import torch
from torch import Tensor


class RecurrentLayer(cn.Module):
    """One layer in one direction, whose ``gates`` gates are each made of the input and of the state before.

    What the input gives to the gates is known for all steps beforehand, and what the gates give to the weights for all
    steps afterwards, so that both are one product each. Only the product with the state has to wait for the step
    before. A subclass writes the steps.

    Shape: ``(L, N, input_size)`` and for each state ``(N, hidden_size)`` -> ``(L, N, hidden_size)`` and the states.
    ``weight_ih`` is ``(gates · hidden_size, input_size)``, ``weight_hh`` is ``(gates · hidden_size, hidden_size)``.
    """

    gates: int
    bias_ih: cn.Parameter | None
    bias_hh: cn.Parameter | None

    def __init__(self, input_size: int, hidden_size: int, bias: bool, dtype: torch.dtype | None) -> None:
        self.hidden_size = hidden_size
        width = self.gates * hidden_size
        self.weight_ih = cn.Parameter(torch.empty(width, input_size, dtype=dtype))
        self.weight_hh = cn.Parameter(torch.empty(width, hidden_size, dtype=dtype))
        self.bias_ih = cn.Parameter(torch.empty(width, dtype=dtype)) if bias else None
        self.bias_hh = cn.Parameter(torch.empty(width, dtype=dtype)) if bias else None

    def reset_parameters(self) -> None:
        """Draw every parameter anew, from U(±1/√hidden_size)."""
        bound = 1 / sqrt(self.hidden_size)
        for parameter in self.parameters():
            parameter.uniform_(-bound, bound)

    @property
    def bias(self) -> Tensor | None:
        """The sum of both biases, for gates that take input and state alike."""
        return None if self.bias_ih is None or self.bias_hh is None else self.bias_ih + self.bias_hh

    def from_input(self, input: Tensor, bias: Tensor | None) -> Tensor:
        """Return ``xₜ W_ihᵀ + b`` for all steps t."""
        rows = input.flatten(0, 1)
        found = rows @ self.weight_ih.T if bias is None else torch.addmm(bias, rows, self.weight_ih.T)
        return found.view(*input.shape[:2], len(self.weight_ih))

    def add_gradients(self, input: Tensor, before: Tensor, grad_input: Tensor, grad_hidden: Tensor) -> Tensor:
        """Add to the gradients of the parameters, and return the input's.

        ``before`` are the hidden states before each step; ``grad_input`` and ``grad_hidden`` the gradients of what the
        gates had of the input and of those.
        """
        of_input, of_hidden = grad_input.flatten(0, 1), grad_hidden.flatten(0, 1)
        if not self.frozen:
            self.weight_ih.grad += of_input.T @ input.flatten(0, 1)  # dW_ih = Σₜ daₜᵀ xₜ
            self.weight_hh.grad += of_hidden.T @ before.flatten(0, 1)  # dW_hh = Σₜ daₜᵀ hₜ₋₁
            if self.bias_ih is not None and self.bias_hh is not None:
                self.bias_ih.grad += of_input.sum(0)
                self.bias_hh.grad += of_hidden.sum(0)
        return (of_input @ self.weight_ih).view(input.shape)  # dxₜ = daₜ W_ih
