"""An output that overflows is named and left out, whatever lies beside it; a wrong gradient beside it is still seen."""

import pytest
import torch

import corenet as cn


class Exp(cn.Module):
    """``y = e^{kx}``."""

    def __init__(self, k, factor=1.0):
        self.k, self.factor = k, factor

    def forward(self, input):
        output = torch.exp(self.k * input)
        self.save(output)
        return output

    def backward(self, grad_output):
        (output,) = self.saved()
        return self.factor * self.k * grad_output * output


def drawn(seed, scale):
    return scale * torch.randn(3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def verdict(module, input):
    try:
        return cn.gradcheck(module, input).status
    except cn.GradientError as error:
        return "inconclusive" if "inconclusive" in str(error) else "wrong"


@pytest.mark.parametrize(("k", "scale"), [(1.0, 300), (1.0, 600), (50.0, 20), (50.0, 30)])
def test_an_exponential_that_overflows_is_not_accused(k, scale):
    found = [(verdict(Exp(k), drawn(seed, scale)), verdict(Exp(k, 1.5), drawn(seed, scale))) for seed in range(12)]
    assert "wrong" not in [right for right, _ in found]
    assert all(wrong == "wrong" for right, wrong in found if right == "agrees")
    assert ("agrees", "wrong") in found
