"""Models handed over: the same keys, values and gradients on the other side, and back."""

import corenet as cn
import pytest
import torch
from torch import nn

from corenet_torch import as_function, check, from_torch, to_torch

CORE = [
    (nn.Linear(3, 2), (4, 3)),
    (nn.Linear(3, 2, bias=False), (4, 3)),
    (nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Sequential(nn.Linear(5, 2), nn.LogSoftmax(-1))), (4, 3)),
    (nn.Sequential(nn.Flatten(), nn.Tanh(), nn.Dropout(0.0), nn.Sigmoid(), nn.Softmax(dim=1)), (4, 3, 2)),
]
BESIDE = [
    (nn.GELU("tanh"), (4, 3)),
    (nn.PReLU(3), (4, 3)),
    (nn.LeakyReLU(0.2), (4, 3)),
    (nn.Hardtanh(-0.5, 2.0), (4, 3)),
    (nn.Conv1d(2, 4, 3, padding=1, groups=2), (2, 2, 7)),
    (nn.Conv2d(2, 3, (3, 2), stride=2, bias=False), (2, 2, 7, 6)),
    (nn.ConvTranspose2d(2, 3, 3, stride=2, output_padding=1), (2, 2, 4, 4)),
    (nn.Sequential(nn.MaxPool2d(2), nn.AvgPool2d(2, padding=1), nn.AdaptiveAvgPool2d(2)), (2, 2, 8, 8)),
    (nn.BatchNorm1d(3), (4, 3)),
    (nn.BatchNorm2d(2, affine=False), (3, 2, 4, 4)),
    (nn.GroupNorm(2, 4), (3, 4, 2)),
    (nn.LayerNorm((3,), bias=False), (4, 3)),
    (nn.RMSNorm(3, eps=1e-6), (4, 3)),
    (nn.LSTM(3, 4, num_layers=2, bidirectional=True), (5, 2, 3)),
    (nn.GRU(3, 4, bias=False, batch_first=True), (5, 2, 3)),
    (nn.RNN(3, 4, nonlinearity="relu"), (5, 2, 3)),
]


def flat(output):
    """Return all outputs as one tuple: a recurrence of PyTorch's nests its states."""
    return tuple(part for each in output for part in flat(each)) if isinstance(output, tuple) else (output,)


def agrees(ours, theirs, input):
    """Compare keys, values and all gradients; of ours by its own backward."""
    assert list(ours.state_dict()) == list(theirs.state_dict())
    leaf = input.clone().requires_grad_()
    expected = flat(theirs(leaf))
    upstreams = [torch.randn_like(each) for each in expected]
    torch.autograd.backward(expected, upstreams)
    close = {"rtol": 1e-9, "atol": 1e-10}
    for mine, other in zip(flat(ours(input)), expected, strict=True):
        torch.testing.assert_close(mine, other.detach(), **close)
    torch.testing.assert_close(ours.backward(*upstreams), leaf.grad, **close)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad, **close)


def shown(each):
    return type(each).__name__ if isinstance(each, nn.Module) else ""


@pytest.mark.parametrize(("module", "shape"), [*CORE, *BESIDE], ids=shown)
def test_a_module_becomes_ours_and_comes_back(module, shape):
    if (module, shape) not in CORE:
        pytest.importorskip("corenet_activations")
        pytest.importorskip("corenet_conv")
        pytest.importorskip("corenet_norm")
        pytest.importorskip("corenet_sequence")
    module = module.double()
    for each in module.parameters():
        nn.init.normal_(each)
    input = torch.randn(shape, dtype=torch.float64)
    ours = from_torch(module)
    agrees(ours, module, input)
    agrees(from_torch(module), to_torch(ours), input)


def test_an_embedding_of_integers():
    pytest.importorskip("corenet_sequence")
    theirs = nn.Embedding(5, 3, padding_idx=1)
    ours, rows = from_torch(theirs), torch.tensor([[0, 1], [4, 0]])
    theirs(rows).sum().backward()
    ours.backward(torch.ones_like(ours(rows)))
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad)
    assert torch.equal(to_torch(ours)(rows), theirs(rows))


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Bilinear(2, 2, 2), "from_torch knows no Bilinear"),
        (nn.Embedding(4, 2, max_norm=1.0), "from_torch takes no Embedding with max_norm=1.0, only None"),
        (nn.LSTM(3, 4, proj_size=2), "with proj_size=2"),
    ],
    ids=shown,
)
def test_what_is_not_the_same_is_refused(module, message):
    with pytest.raises(cn.ConfigError, match=message):
        from_torch(module)


def test_a_module_that_torch_has_not_is_refused():
    class Own(cn.Module):
        def forward(self, input):
            return input

    with pytest.raises(cn.ConfigError, match=r"to_torch knows no Own\(\).*use as_function"):
        to_torch(cn.Sequential(Own()))


# As a layer.


def test_a_layer_has_the_gradients_of_torch_and_trains_our_memory():
    model = cn.Sequential(cn.Linear(3, 5), cn.Tanh(), cn.Linear(5, 1), cn.Sigmoid())
    layer, theirs = as_function(model), to_torch(model)
    assert set(layer.state_dict()) == set(model.state_dict()) == set(theirs.state_dict())
    loss, x, t = as_function(cn.BCELoss()), torch.randn(8, 3), torch.rand(8, 1)
    optimizers = [torch.optim.SGD(each.parameters(), lr=0.5, momentum=0.9) for each in (layer, theirs)]
    for _ in range(5):
        for each, measure, optimizer in zip((layer, theirs), (loss, nn.BCELoss()), optimizers, strict=True):
            optimizer.zero_grad()
            (3 * measure(each(x), t) + measure(each(2 * x), t)).backward()  # twice in a step
            optimizer.step()
    for name, each in theirs.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], each)


def test_a_layer_is_proven_by_our_own_check():
    report = check(as_function(cn.Sequential(cn.Linear(3, 4), cn.Tanh())), torch.randn(4, 3))
    assert {failure.check: failure.message for failure in report.failures} == {}


def test_a_layer_moves():
    layer = as_function(cn.Linear(3, 2)).double()
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    layer(x).sum().backward()
    torch.testing.assert_close(x.grad, layer.weight.detach().sum(0).expand(4, 3))


def test_a_layer_says_what_it_cannot():
    layer, x = as_function(cn.Linear(3, 2)), torch.randn(4, 3, requires_grad=True)
    out = layer(x).sum()
    out.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="run forward again"):
        out.backward()
    with pytest.raises(cn.ConfigError, match="reduction='sum' or 'mean'"):
        as_function(cn.MSELoss(reduction="none"))
    with pytest.raises(cn.ConfigError, match="as_function takes a module or a loss"):
        as_function(nn.Linear(3, 2))
