import copy

import pytest
import torch

import corenet as cn
from corenet.contracts.saved import has_saved


def torch_counterpart(mlp):
    """Return the same chain made of torch.nn, with the same weights."""
    counterpart = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2)).double()
    counterpart.load_state_dict(mlp.state_dict())
    return counterpart


def test_values_and_gradients_equal_torch(mlp):
    counterpart = torch_counterpart(mlp)
    input = torch.randn(7, 3, dtype=torch.float64)
    mirrored = input.clone().requires_grad_()
    expected = counterpart(mirrored)
    upstream = torch.randn(7, 2, dtype=torch.float64)
    expected.backward(upstream)
    assert torch.equal(mlp(input), expected)
    torch.testing.assert_close(mlp.backward(upstream), mirrored.grad, rtol=1e-12, atol=1e-14)
    for ours, theirs in zip(mlp.parameters(), counterpart.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-12, atol=1e-14)


def test_keys_are_pytorchs(mlp):
    assert list(mlp.state_dict()) == list(torch_counterpart(mlp).state_dict())
    nested = cn.Sequential(cn.ReLU(), cn.Sequential(cn.Linear(2, 1)))
    assert list(nested.state_dict()) == ["1.0.weight", "1.0.bias"]


def test_indexing_length_and_iteration(mlp):
    assert len(mlp) == 3
    assert list(mlp) == [mlp[0], mlp[1], mlp[2]]
    assert (type(mlp[1]), mlp[-1].out_features) == (cn.Tanh, 2)
    with pytest.raises(IndexError):
        mlp[3]


@pytest.mark.parametrize(
    "part", [slice(2), slice(1, None), slice(-2, None), slice(None, None, -1), slice(5, 9), slice(0)]
)
def test_a_slice_is_a_chain_of_the_same_modules(mlp, part):
    chain = mlp[part]
    assert type(chain) is cn.Sequential
    assert list(chain) == list(mlp)[part]
    assert [name for name, _ in chain.children()] == ["0", "1", "2"][: len(chain)]


def test_a_slice_trains_the_weights_of_the_whole(mlp):
    front = mlp[:2]
    input = torch.randn(4, 3, dtype=torch.float64)
    assert torch.equal(front(input), torch.tanh(mlp[0].weight @ input.T + mlp[0].bias[:, None]).T)
    front.backward(torch.ones(4, 5, dtype=torch.float64))
    assert mlp[0].weight.grad.any()
    assert not mlp[2].weight.grad.any()


def test_slices_make_a_chain_unless_a_module_would_occur_twice(mlp):
    assert list(cn.Sequential(mlp[:1], cn.ReLU(), mlp[1:])[2]) == [mlp[1], mlp[2]]
    with pytest.raises(cn.StructureError, match="occurs twice"):
        cn.Sequential(mlp[:2], mlp[1:])


def test_a_slice_has_the_mode_of_the_whole(mlp):
    assert mlp[:2].training
    assert [module.training for _, module in mlp.eval()[:2].named_modules()] == [False] * 3


def test_the_repr_shows_the_shapes_nested_ones_indented():
    model = cn.Sequential(cn.Linear(2, 25), cn.Sequential(cn.ReLU(), cn.Linear(25, 1, bias=False)))
    assert repr(model).splitlines() == [
        "Sequential(",
        "  [0] Linear(2 → 25)",
        "  [1] Sequential(",
        "    [0] ReLU()",
        "    [1] Linear(25 → 1, bias=False)",
        "  )",
        ")",
    ]


def test_an_empty_chain_is_the_identity():
    empty = cn.Sequential()
    input = torch.ones(3)
    assert empty(input) is input
    assert empty.backward(input) is input
    assert (repr(empty), len(empty), empty.parameters()) == ("Sequential()", 0, [])
    empty.backward_parameters(input)


# One instance, one place.


def test_one_instance_twice_anywhere_in_the_tree_is_refused():
    relu, inner = cn.ReLU(), cn.Sequential(cn.Tanh())
    for modules in ((relu, relu), (relu, cn.Sequential(relu)), (inner, cn.Linear(1, 1), inner[0])):
        with pytest.raises(cn.StructureError, match=r"occurs twice.*tie weights with b.weight = a.weight"):
            cn.Sequential(*modules)


def test_the_refusal_of_a_repeated_module_names_it_and_its_place():
    relu = cn.ReLU()
    with pytest.raises(cn.StructureError, match=r"ReLU\(\) at Sequential\[1\]\.0 occurs twice"):
        cn.Sequential(relu, cn.Sequential(relu))


@pytest.mark.parametrize(
    ("stranger", "message"),
    [(cn.ReLU, r"Sequential\[1\] is .*not a Module; write ReLU\(\)"), (torch.relu, r"not a Module"), (None, "None")],
    ids=["class", "function", "None"],
)
def test_what_is_no_module_is_refused(stranger, message):
    with pytest.raises(cn.StructureError, match=message):
        cn.Sequential(cn.ReLU(), stranger)


def test_tied_weights_are_counted_once_and_gather_both_gradients():
    model = cn.Sequential(cn.Linear(3, 3), cn.Tanh(), cn.Linear(3, 3, bias=False)).to(dtype=torch.float64)
    model[2].weight = model[0].weight
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias"]
    assert model[2].weight is model[0].weight

    weight, bias = (parameter.clone().requires_grad_() for parameter in model.parameters())
    input = torch.randn(4, 3, dtype=torch.float64)
    output = torch.tanh(input @ weight.T + bias) @ weight.T
    output.sum().backward()
    torch.testing.assert_close(model(input), output.detach())
    model.backward(torch.ones(4, 3, dtype=torch.float64))
    torch.testing.assert_close(model[0].weight.grad, weight.grad)
    torch.testing.assert_close(model[0].bias.grad, bias.grad)


# Backward.


def test_backward_without_the_input_gradient_gives_the_same_parameter_gradients(mlp):
    whole = copy.deepcopy(mlp)
    input, upstream = torch.randn(4, 3, dtype=torch.float64), torch.randn(4, 2, dtype=torch.float64)
    mlp(input)
    whole(input)
    returned = mlp.backward(upstream, input_gradient=False)
    whole.backward(upstream)
    assert returned.shape == (4, 5)  # the gradient of the first module's output
    for ours, theirs in zip(mlp.parameters(), whole.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad)


@pytest.mark.parametrize("call", ["input_gradient", "backward_parameters", "nested"])
def test_the_first_module_with_parameters_does_their_half_alone_and_those_before_it_nothing(call):
    done = []

    class Spy(cn.Module):
        def __init__(self, *parameters):
            self.held = [cn.Parameter(each) for each in parameters]

        def forward(self, input):
            self.save(input)
            return input

        def backward(self, grad_output):
            self.saved()
            done.append("whole" if self.held else "nothing to train")
            return grad_output

        def backward_parameters(self, grad_output):
            self.saved()
            done.append("half")

    first, before = Spy(torch.ones(1)), (Spy(), cn.Sequential(cn.Flatten(), Spy()))
    trained = cn.Sequential(Spy(), first, cn.ReLU()) if call == "nested" else first
    model = cn.Sequential(*before, trained, Spy(torch.ones(1)))
    output = model(torch.ones(2, 3))
    if call == "input_gradient":
        model.backward(output, input_gradient=False)
    else:
        model.backward_parameters(output)
    assert done == ["whole", "half"]
    assert not any(has_saved(module) for _, module in model.named_modules())


def test_order_backward_without_a_forward_or_twice_raises(mlp):
    upstream = torch.ones(2, 2, dtype=torch.float64)
    with pytest.raises(cn.BackwardError, match=r"Linear\(5 → 2\) has nothing saved"):
        mlp.backward(upstream)
    mlp(torch.ones(2, 3, dtype=torch.float64))
    mlp.backward(upstream)
    with pytest.raises(cn.BackwardError, match=r"Linear\(5 → 2\) has nothing saved"):
        mlp.backward(upstream)


def test_order_a_second_training_forward_raises_and_the_chain_can_start_again(mlp):
    input = torch.ones(2, 3, dtype=torch.float64)
    mlp(input)
    with pytest.raises(cn.BackwardError, match="forward twice"):
        mlp(input)
    mlp(input)
    mlp.backward(torch.ones(2, 2, dtype=torch.float64))


# Errors carry evidence.


def test_a_shape_error_names_both_modules_and_both_shapes():
    model = cn.Sequential(cn.Linear(2, 24), cn.ReLU(), cn.Linear(25, 1))
    with pytest.raises(cn.ShapeError) as caught:
        model(torch.ones(100, 2))
    error = caught.value
    assert str(error) == ("Sequential[2] Linear(25 → 1) got (100, 24) from [1] ReLU(); expected last dimension 25")
    assert (error.shape, error.source) == ((100, 24), "[1] ReLU()")


def test_a_shape_error_in_the_first_module_has_no_source():
    with pytest.raises(cn.ShapeError) as caught:
        cn.Sequential(cn.Linear(2, 1))(torch.ones(5, 3))
    assert str(caught.value) == "Sequential[0] Linear(2 → 1) got (5, 3); expected last dimension 2"


def test_a_shape_error_in_a_nested_chain_names_the_whole_path():
    model = cn.Sequential(cn.Linear(2, 4), cn.Sequential(cn.Linear(3, 1)))
    with pytest.raises(cn.ShapeError) as caught:
        model(torch.ones(5, 2))
    expected = "Sequential[1] Sequential[0] Linear(3 → 1) got (5, 4) from [0] Linear(2 → 4); expected last dimension 3"
    assert str(caught.value) == expected
    after_a_nested_one = cn.Sequential(cn.Sequential(cn.ReLU()), cn.Linear(3, 1))
    with pytest.raises(cn.ShapeError, match=r"got \(5, 2\) from \[0\] Sequential; expected"):
        after_a_nested_one(torch.ones(5, 2))


def test_a_shape_error_deep_in_a_nested_chain_names_the_module_right_before():
    model = cn.Sequential(cn.ReLU(), cn.Sequential(cn.Linear(2, 4), cn.Linear(3, 1)))
    with pytest.raises(cn.ShapeError, match=r"Sequential\[1\] Sequential\[1\] Linear.* from \[0\] Linear\(2 → 4\);"):
        model(torch.ones(5, 2))


def test_a_failed_forward_leaves_no_module_with_something_saved():
    model = cn.Sequential(cn.Linear(2, 24), cn.Linear(25, 1))
    with pytest.raises(cn.ShapeError):
        model(torch.ones(5, 2))
    with pytest.raises(cn.BackwardError):
        model[0].backward(torch.ones(5, 24))


def test_modes_and_forget_reach_every_module(mlp):
    assert not any(module.training for module in mlp.eval())
    assert all(module.training for module in mlp.train())
    mlp(torch.ones(1, 3, dtype=torch.float64))
    mlp.forget()
    assert all(module._saved is None for module in mlp)


def test_reset_parameters_reaches_every_module(mlp):
    before = mlp.state_dict()
    mlp.reset_parameters()
    assert not any(torch.equal(before[name], tensor) for name, tensor in mlp.state_dict().items())


@pytest.mark.parametrize("index", ["0", 1.0, None, (0, 1)])
def test_what_is_no_index_is_refused(index):
    with pytest.raises(TypeError, match=r"^Sequential takes an integer or a slice as index, not "):
        cn.Sequential(cn.Tanh(), cn.Tanh())[index]
