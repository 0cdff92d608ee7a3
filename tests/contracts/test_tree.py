"""The tree of modules and tensors: what is found, saved, loaded and moved."""

import re

import pytest
import torch

import corenet as cn


def test_attributes_that_are_parameters_buffers_and_modules_are_found(counting):
    module = counting()
    trained = ["weight", "listed.1", "inner.weight", "listed.0.weight", "named.left.weight", "paired.0.weight"]
    assert [name for name, _ in module.named_parameters()] == trained
    assert [parameter.item() for parameter in module.parameters()[2:]] == [2.0, 3.0, 4.0, 5.0]
    assert sorted(module.state_dict()) == sorted(["seen", *trained])
    assert [path for path, _ in module.named_modules()] == ["", "inner", "listed.0", "named.left", "paired.0"]
    assert [name for name, _ in module.children()] == ["inner", "listed.0", "named.left", "paired.0"]


def test_what_forward_saved_is_no_parameter_of_the_module(scale):
    module = scale()
    module.save(cn.Parameter(torch.ones(1)))
    assert [name for name, _ in module.named_parameters()] == ["weight"]


def test_a_plain_tensor_in_the_place_of_a_parameter_or_buffer_is_refused(counting):
    module = counting()
    for name in ("weight", "seen"):
        before = getattr(module, name)
        with pytest.raises(cn.StructureError, match=rf"Counting\.{name} is a (Parameter|Buffer); write in place"):
            setattr(module, name, torch.ones(2))
        assert getattr(module, name) is before
    module.weight = cn.Parameter(torch.zeros(2))
    module.weight -= 1
    module.constant = torch.zeros(1)
    assert module.weight.tolist() == [-1.0, -1.0]


def test_zero_grad_clears_every_gradient_and_makes_missing_ones(counting):
    module = counting()
    for parameter in module.parameters():
        parameter.grad += 1
    module.weight.grad = None
    module.zero_grad()
    assert all(torch.equal(parameter.grad, torch.zeros_like(parameter)) for parameter in module.parameters())


@pytest.mark.parametrize("set_to_none", [True, False])
def test_zero_grad_takes_pytorchs_argument_and_keeps_the_gradients_tensors(counting, set_to_none):
    module = counting()
    module.weight.grad += 1
    module.zero_grad(set_to_none=set_to_none)
    assert module.weight.grad.tolist() == [0.0, 0.0]


# Inference mode.


@pytest.mark.parametrize("with_optimizer", [True, False])
def test_a_model_made_in_inference_mode_is_trained_outside_of_it(with_optimizer):
    def sgd(model):
        return cn.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def train(model, optimizer):
        losses = [cn.train_step(model, cn.MSELoss(), optimizer, input, target).item() for _ in range(3)]
        return losses, model.state_dict()

    def build():
        torch.manual_seed(0)
        return cn.Sequential(cn.Linear(2, 3), cn.Tanh(), cn.Linear(3, 1)).to(torch.float64)

    input, target = torch.randn(5, 2, dtype=torch.float64), torch.randn(5, 1, dtype=torch.float64)
    with torch.inference_mode():
        made_inside = build()
        made_inside[0].weight.grad = None
        made_inside.zero_grad()
        optimizer = sgd(made_inside) if with_optimizer else None
    losses, state = train(made_inside, optimizer or sgd(made_inside))
    other = build()
    expected, weights = train(other, sgd(other))
    assert losses == expected
    assert all(torch.equal(state[name], tensor) for name, tensor in weights.items())


# State.


def test_state_dict_is_a_copy(counting):
    module = counting()
    state = module.state_dict()
    state["inner.weight"].zero_()
    assert module.inner.weight.item() == 2
    assert not any(isinstance(tensor, cn.Parameter) for tensor in state.values())


def test_state_dict_restores_parameters_and_buffers_in_place(counting):
    module = counting()
    state = module.state_dict()
    weight = module.weight
    module.weight.zero_()
    module.seen.zero_()
    module.load_state_dict(state)
    assert module.weight is weight
    assert (weight.tolist(), module.seen.item()) == ([1.0, 1.0], 3)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda state: state.pop("weight"), cn.StructureError, r"does not fit Counting: missing \['weight'\]"),
        (lambda state: state.update(extra=torch.ones(1)), cn.StructureError, r"unknown \['extra'\]"),
        (lambda state: state.update(weight=torch.ones(3)), cn.ShapeError, r"'weight' got \(3,\); expected \(2,\)"),
        (
            lambda state: state.update({"listed.1": torch.ones(1).double()}),
            cn.DTypeError,
            "'listed.1' is torch.float32 and the state has torch.float64",
        ),
    ],
)
def test_a_state_of_another_model_is_refused_and_changes_nothing(change, error, message, counting):
    module = counting()
    state = {name: tensor + 1 for name, tensor in module.state_dict().items()}
    change(state)
    before = module.state_dict()
    with pytest.raises(error, match=message):
        module.load_state_dict(state)
    after = module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


# Moving.


def test_to_converts_all_floating_tensors_and_keeps_every_object(counting):
    module = counting()
    module.weight.grad += 2
    before = [id(parameter) for parameter in module.parameters()]
    assert module.to(dtype=torch.float64) is module
    assert [id(parameter) for parameter in module.parameters()] == before
    assert {parameter.dtype for parameter in module.parameters()} == {torch.float64}
    assert {parameter.grad.dtype for parameter in module.parameters()} == {torch.float64}
    assert module.weight.grad.tolist() == [2.0, 2.0]
    assert module.seen.dtype == torch.int64
    assert isinstance(module.weight, cn.Parameter)


def test_to_refuses_what_is_no_floating_dtype(scale):
    module = scale()
    with pytest.raises(cn.DTypeError, match=r"needs a floating torch.dtype such as torch.float64, not torch\.int32"):
        module.to(dtype=torch.int32)
    with pytest.raises(cn.DTypeError, match=r"got two dtypes, torch\.float64 and torch\.float32; give one"):
        module.to(torch.float64, torch.float32)
    assert module.weight.dtype == torch.float32


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((torch.float64,), {}),
        (("cpu", torch.float64), {}),
        ((torch.device("cpu"), torch.float64), {}),
        (("cpu",), {"dtype": torch.float64}),
        ((), {"device": "cpu", "dtype": torch.float64}),
    ],
)
def test_to_takes_what_pytorch_takes(scale, arguments, options):
    ours, theirs = scale(), torch.nn.Linear(1, 1)
    assert ours.to(*arguments, **options) is ours
    theirs.to(*arguments, **options)
    assert (ours.weight.dtype, ours.weight.device) == (theirs.weight.dtype, theirs.weight.device)
    assert ours.weight.grad.dtype == torch.float64


@pytest.mark.parametrize("arguments", [("cpu",), (None,), ()])
def test_to_a_device_alone_keeps_the_dtype(scale, arguments):
    assert scale().to(*arguments).weight.dtype == torch.float32


@pytest.mark.parametrize("other", [torch.zeros(1000), cn.Sequential(cn.Tanh(), cn.Tanh())], ids=["tensor", "model"])
def test_to_another_tensor_or_model_is_refused_in_one_short_line(scale, other):
    kind = type(other).__name__
    told = f"a {kind} is no device; use its .device and .dtype if it has them, or a name such as 'cpu'"
    with pytest.raises(cn.DeviceError, match=f"^{re.escape(told)}$"):
        scale().to(other)
    with pytest.raises(cn.DTypeError, match=f"^to.. needs a floating torch.dtype such as torch.float64, not {kind}$"):
        scale().to("cpu", other)


def test_to_a_device_that_is_not_there_moves_nothing(scale):
    module = scale()
    with pytest.raises(cn.DeviceError, match="there is no device nowhere here"):
        module.to("nowhere", torch.float64)
    assert module.weight.dtype == torch.float32


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_to_moves_all_of_it_to_a_device(counting):
    module = counting().to("cuda")
    tensors = [*module.parameters(), module.seen, *(parameter.grad for parameter in module.parameters())]
    assert {tensor.device.type for tensor in tensors} == {"cuda"}


@pytest.mark.parametrize("value", [torch.ones(2, requires_grad=True), torch.nn.Parameter(torch.ones(2))])
def test_a_tensor_that_requires_grad_is_refused_as_an_attribute(value):
    with pytest.raises(cn.StructureError, match=r"assign cn\.Parameter"):
        cn.ReLU().weight = value


def test_a_module_of_torch_nn_is_refused_as_an_attribute():
    with pytest.raises(cn.StructureError, match=r"torch\.nn\.Linear"):
        cn.ReLU().inner = torch.nn.Linear(2, 2)
