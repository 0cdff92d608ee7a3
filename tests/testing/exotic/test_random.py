"""Right modules that draw random numbers: the kit finds nothing wrong with them."""

import pytest
import torch

import corenet as cn
from corenet.testing import check_component


class AdditiveNoise(cn.Module):
    """Saves nothing, for its derivative doesn't depend on what it drew."""

    def __init__(self, size=0.1):
        self.size = size

    def forward(self, input):
        return input + self.size * torch.randn_like(input) if self.training else input

    def backward(self, grad_output):
        return grad_output


class MultiplicativeNoise(cn.Module):
    def forward(self, input):
        if not self.training:
            return input
        noise = 1 + 0.3 * torch.randn_like(input)
        self.save(noise)
        return input * noise

    def backward(self, grad_output):
        (noise,) = self.saved()
        return grad_output * noise


class DropChannel(cn.Module):
    """Drops whole features, the same ones for each sample."""

    def forward(self, input):
        if not self.training:
            return input
        keep = torch.empty_like(input[..., :1, :]).bernoulli_(0.5) * 2
        self.save(keep)
        return input * keep

    def backward(self, grad_output):
        (keep,) = self.saved()
        return grad_output * keep


class LeakyNoise(cn.Module):
    """A rectifier with a random slope below zero."""

    def forward(self, input):
        slope = torch.rand_like(input) if self.training else 0.5
        slope = torch.where(input > 0, 1.0, slope).to(input.dtype)
        self.save(slope)
        return slope * input

    def backward(self, grad_output):
        (slope,) = self.saved()
        return grad_output * slope


class Reparameterized(cn.Module):
    """``y = μ + e^s · ε``, of the two halves of the features."""

    def forward(self, input):
        mean, log_scale = input.chunk(2, -1)
        if not self.training:
            return mean.clone()
        spread = log_scale.exp() * torch.randn_like(mean)
        self.save(spread)
        return mean + spread

    def backward(self, grad_output):
        (spread,) = self.saved()
        return torch.cat([grad_output, grad_output * spread], -1)


class NoisyLinear(cn.Module):
    """Draws noise on its weights, once for all samples."""

    def __init__(self, in_features=3, out_features=2):
        self.weight = cn.Parameter(torch.randn(out_features, in_features))

    def forward(self, input):
        noise = torch.randn_like(self.weight) if self.training else torch.ones_like(self.weight)
        self.save(input, noise)
        return input @ (self.weight * noise).T

    def backward(self, grad_output):
        input, noise = self.saved()
        self.weight.grad += noise * torch.einsum("...i,...j->ij", grad_output, input)
        return grad_output @ (self.weight * noise)


RIGHT = {
    "additive noise": (AdditiveNoise, cn.Case()),
    "multiplicative noise": (MultiplicativeNoise, cn.Case()),
    "dropped channels": (DropChannel, cn.Case()),
    "a random slope": (LeakyNoise, cn.Case(kinks=(0.0,))),
    "a sample of a normal distribution": (Reparameterized, cn.Case(shape=(3, 4))),
    "noise on the weights": (NoisyLinear, cn.Case()),
    "dropout of all": (cn.Dropout, cn.Case({"p": 1.0})),
    "dropout of a strided input": (cn.Dropout, cn.Case({"p": 0.5}, shape=(2, 3, 4))),
}


@pytest.mark.parametrize(("component", "case"), RIGHT.values(), ids=RIGHT)
def test_nothing_is_wrong_with(component, case):
    report = check_component(component, cases=[case])
    assert report.ok, str(report)
