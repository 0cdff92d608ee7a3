"""Modules around a network that predicts a class at each step of a sequence."""

from __future__ import annotations

from typing import Any

import corenet as cn
import torch
from torch import Tensor


class Output(cn.Module):
    """The output of a recurrent network at each step, without the states after the last one."""

    def forward(self, output: Tensor, *states: Tensor) -> Tensor:
        self.save(*states)
        return output.clone()

    def backward(self, grad_output: Tensor) -> Any:
        return (grad_output, *map(torch.zeros_like, self.saved()))


class ClassesSecond(cn.Module):
    """``(N, T, C) -> (N, C, T)``, where cross-entropy looks for classes."""

    def forward(self, input: Tensor) -> Tensor:
        self.save()
        return input.transpose(1, 2).contiguous()

    def backward(self, grad_output: Tensor) -> Tensor:
        self.saved()
        return grad_output.transpose(1, 2).contiguous()
