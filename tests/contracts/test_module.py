"""The contract of a module: what it saves and hands out, what it holds, how it is moved, copied and stored."""

import copy
import pickle

import pytest
import torch

import corenet as cn
from corenet.contracts.module import evaluating


class Scale(cn.Module):
    """y = w x, with no call of super().__init__()."""

    def __init__(self, value=2.0):
        self.weight = cn.Parameter(torch.tensor([value]))

    def forward(self, input):
        self.save(input)
        return self.weight * input

    def backward(self, grad_output):
        (input,) = self.saved()
        self.weight.grad += (grad_output * input).sum()
        return grad_output * self.weight

    def reset_parameters(self):
        self.weight.fill_(1)


class Counting(cn.Module):
    """Holds one of everything, in every kind of container."""

    def __init__(self):
        self.seen = cn.Buffer(torch.tensor(3))
        self.weight = cn.Parameter(torch.ones(2))
        self.inner = Scale()
        self.listed = [Scale(3.0), cn.Parameter(torch.ones(1))]
        self.named = {"left": Scale(4.0)}
        self.paired = (Scale(5.0),)
        self.constant = torch.ones(4)


class Negate(cn.Module):
    """Saves nothing."""

    def forward(self, input):
        return -input

    def backward(self, grad_output):
        return -grad_output


# Writing a module.


def test_a_module_needs_no_super_init():
    module = Scale()
    assert module.training
    assert module(torch.tensor([3.0])).tolist() == [6.0]
    assert module.backward(torch.tensor([1.0])).tolist() == [2.0]
    assert module.weight.grad.tolist() == [3.0]


def test_attributes_that_are_parameters_buffers_and_modules_are_found():
    module = Counting()
    trained = ["weight", "listed.1", "inner.weight", "listed.0.weight", "named.left.weight", "paired.0.weight"]
    assert [name for name, _ in module.named_parameters()] == trained
    assert [parameter.item() for parameter in module.parameters()[2:]] == [2.0, 3.0, 4.0, 5.0]
    assert sorted(module.state_dict()) == sorted(["seen", *trained])
    assert [path for path, _ in module.named_modules()] == ["", "inner", "listed.0", "named.left", "paired.0"]
    assert [name for name, _ in module.children()] == ["inner", "listed.0", "named.left", "paired.0"]


def test_what_forward_saved_is_no_parameter_of_the_module():
    module = Scale()
    module.save(cn.Parameter(torch.ones(1)))
    assert [name for name, _ in module.named_parameters()] == ["weight"]


@pytest.mark.parametrize(
    ("method", "arguments"),
    [("forward", (torch.ones(1),)), ("backward", (torch.ones(1),))],
    ids=["forward", "backward"],
)
def test_a_method_left_out_says_so(method, arguments):
    with pytest.raises(NotImplementedError, match=rf"Module must define {method}\(self"):
        getattr(cn.Module(), method)(*arguments)


def test_a_plain_tensor_in_the_place_of_a_parameter_or_buffer_is_refused():
    module = Counting()
    for name in ("weight", "seen"):
        before = getattr(module, name)
        with pytest.raises(cn.StructureError, match=rf"Counting\.{name} is a (Parameter|Buffer); write in place"):
            setattr(module, name, torch.ones(2))
        assert getattr(module, name) is before
    module.weight = cn.Parameter(torch.zeros(2))
    module.weight -= 1
    module.constant = torch.zeros(1)
    assert module.weight.tolist() == [-1.0, -1.0]


def test_backward_parameters_is_the_whole_backward_unless_a_module_has_a_cheaper_half():
    module = Scale()
    module(torch.tensor([3.0]))
    assert module.backward_parameters(torch.tensor([1.0])) is None
    assert module.weight.grad.tolist() == [3.0]


def test_zero_grad_clears_every_gradient_and_makes_missing_ones():
    module = Counting()
    for parameter in module.parameters():
        parameter.grad += 1
    module.weight.grad = None
    module.zero_grad()
    assert all(torch.equal(parameter.grad, torch.zeros_like(parameter)) for parameter in module.parameters())


def test_backward_adds_to_grad():
    module = Scale()
    for _ in range(3):
        module(torch.tensor([5.0]))
        module.backward(torch.tensor([1.0]))
    assert module.weight.grad.tolist() == [15.0]


def test_reset_parameters_reaches_every_module_below():
    module = Counting()
    module.reset_parameters()
    assert [each.weight.item() for _, each in module.named_modules() if isinstance(each, Scale)] == [1.0] * 4


# The order of calls.


def test_order_backward_without_a_forward_raises():
    with pytest.raises(cn.BackwardError, match=r"Scale\(\) has nothing saved for backward; run forward first"):
        Scale().backward(torch.ones(1))


def test_order_backward_twice_raises_and_adds_nothing():
    module = Scale()
    module(torch.tensor([3.0]))
    module.backward(torch.ones(1))
    with pytest.raises(cn.BackwardError, match="once for each backward"):
        module.backward(torch.ones(1))
    assert module.weight.grad.tolist() == [3.0]


def test_order_a_second_training_forward_raises_and_drops_the_first():
    module = Scale()
    module(torch.tensor([3.0]))
    with pytest.raises(cn.BackwardError, match=r"ran forward twice in training mode.*eval\(\).*forget\(\)"):
        module(torch.tensor([4.0]))
    with pytest.raises(cn.BackwardError, match="nothing saved"):
        module.backward(torch.ones(1))


def test_order_forget_drops_what_is_saved():
    module = Scale()
    module(torch.tensor([3.0]))
    module.forget()
    module(torch.tensor([4.0]))
    module.backward(torch.ones(1))
    assert module.weight.grad.tolist() == [4.0]


def test_order_eval_drops_what_is_saved_and_saves_nothing():
    module = Scale()
    module(torch.tensor([3.0]))
    assert module.eval() is module
    module(torch.tensor([3.0]))
    module(torch.tensor([3.0]))
    with pytest.raises(cn.BackwardError, match=r"eval mode, which saves nothing: call train\(\)"):
        module.backward(torch.ones(1))
    assert module.train() is module
    module(torch.tensor([3.0]))
    module.backward(torch.ones(1))


def test_order_an_exception_inside_a_forward_drops_what_was_saved_below():
    class Failing(cn.Module):
        def __init__(self):
            self.inner = Scale()

        def forward(self, input):
            self.inner(input)
            raise KeyboardInterrupt

    module = Failing()
    with pytest.raises(KeyboardInterrupt):
        module(torch.ones(1))
    with pytest.raises(cn.BackwardError, match="nothing saved"):
        module.inner.backward(torch.ones(1))


@pytest.mark.parametrize(("values", "kinds"), [((2.0,), "float"), ((torch.ones(1), None), "Tensor, NoneType")])
def test_only_tensors_are_saved(values, kinds):
    class Keeps(cn.Module):
        def forward(self, input):
            self.save(*values)
            return input

    with pytest.raises(cn.DTypeError, match=rf"may save tensors, not \({kinds}\); keep anything else as an attribute"):
        Keeps()(torch.ones(2))


def test_order_a_module_that_saves_nothing_has_no_order_to_guard():
    module = Negate()
    assert module(module(torch.ones(1))).item() == 1
    assert module.backward(module.backward(torch.ones(1))).item() == 1


def test_saved_lets_go_of_what_it_hands_out():
    module = Scale()
    module(torch.ones(1))
    assert [tensor.tolist() for tensor in module.saved()] == [[1.0]]
    assert module._saved is None


def test_mode_reaches_every_module_below():
    module = Counting().eval()
    assert [each.training for _, each in module.named_modules()] == [False] * 5
    module.train()
    assert [each.training for _, each in module.named_modules()] == [True] * 5


# State.


def test_state_dict_is_a_copy():
    module = Counting()
    state = module.state_dict()
    state["inner.weight"].zero_()
    assert module.inner.weight.item() == 2
    assert not any(isinstance(tensor, cn.Parameter) for tensor in state.values())


def test_state_dict_restores_parameters_and_buffers_in_place():
    module = Counting()
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
def test_a_state_of_another_model_is_refused_and_changes_nothing(change, error, message):
    module = Counting()
    state = {name: tensor + 1 for name, tensor in module.state_dict().items()}
    change(state)
    before = module.state_dict()
    with pytest.raises(error, match=message):
        module.load_state_dict(state)
    after = module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


# Moving.


def test_to_converts_all_floating_tensors_and_keeps_every_object():
    module = Counting()
    module.weight.grad += 2
    before = [id(parameter) for parameter in module.parameters()]
    assert module.to(dtype=torch.float64) is module
    assert [id(parameter) for parameter in module.parameters()] == before
    assert {parameter.dtype for parameter in module.parameters()} == {torch.float64}
    assert {parameter.grad.dtype for parameter in module.parameters()} == {torch.float64}
    assert module.weight.grad.tolist() == [2.0, 2.0]
    assert module.seen.dtype == torch.int64
    assert isinstance(module.weight, cn.Parameter)


def test_to_refuses_what_is_no_floating_dtype():
    module = Scale()
    with pytest.raises(cn.DTypeError, match=r"needs a floating torch.dtype such as torch.float64, not torch\.int32"):
        module.to(dtype=torch.int32)
    with pytest.raises(cn.DTypeError, match=r"to\(dtype=torch\.float64\)"):
        module.to(torch.float64)
    assert module.weight.dtype == torch.float32


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_to_moves_all_of_it_to_a_device():
    module = Counting().to("cuda")
    tensors = [*module.parameters(), module.seen, *(parameter.grad for parameter in module.parameters())]
    assert {tensor.device.type for tensor in tensors} == {"cuda"}


# Copies.


def trained_a_little(model):
    model(torch.ones(4, 2))
    model.backward(torch.ones(4, 1))
    return model


def chain():
    return cn.Sequential(cn.Linear(2, 3), cn.Tanh(), cn.Linear(3, 1))


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_computes_alike_and_shares_nothing(clone):
    model = trained_a_little(chain())
    twin = clone(model)
    input = torch.randn(5, 2)
    assert torch.equal(cn.predict(twin, input), cn.predict(model, input))
    assert [name for name, _ in twin.named_parameters()] == [name for name, _ in model.named_parameters()]
    for parameter in model.parameters():
        parameter.zero_()
    assert all(parameter.count_nonzero() for parameter in twin.parameters())


def test_an_unpickled_model_has_gradients_to_add_to():
    twin = trained_a_little(pickle.loads(pickle.dumps(chain())))
    assert all(parameter.grad.isfinite().all() for parameter in twin.parameters())
    assert twin[0].weight.grad.count_nonzero() > 0


def test_a_deep_copy_of_a_flat_model_keeps_its_gradients():
    model = chain()
    cn.SGD(model.parameters(), lr=0.1)
    trained_a_little(model)
    twin = copy.deepcopy(model)
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad)
        assert ours.grad is not theirs.grad


def test_shared_parameters_stay_shared_in_copies():
    model = cn.Sequential(cn.Linear(2, 2), cn.Linear(2, 2))
    model[1].weight = model[0].weight
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin[0].weight is twin[1].weight


# The checks that a module's author may use.


@pytest.mark.parametrize(
    ("input", "error", "message"),
    [
        ([1.0], cn.DTypeError, r"Scale\(\) takes a torch\.Tensor, got list"),
        (torch.ones(2, dtype=torch.int32), cn.DTypeError, r"got torch\.int32; use input\.float\(\)"),
        (torch.ones(2, requires_grad=True), cn.ConfigError, r"use input\.detach\(\)"),
    ],
)
def test_check_floating_refuses_what_has_no_gradient(input, error, message):
    with pytest.raises(error, match=message):
        Scale().check_floating(input)


def test_check_matches_names_both_dtypes_and_both_devices():
    module = Scale()
    with pytest.raises(cn.DTypeError, match=r"torch\.float32 parameters and got torch\.float64 input"):
        module.check_matches(torch.ones(1).double(), module.weight)
    with pytest.raises(cn.DeviceError, match=r"is on cpu and got input on meta; use model\.to\(device=\.\.\.\)"):
        module.check_matches(torch.ones(1, device="meta"), module.weight)


@pytest.mark.parametrize("half", ["backward", "backward_parameters"])
@pytest.mark.parametrize("shape", [(1,), (2, 1), (1, 2), ()])
def test_a_grad_output_of_another_shape_is_refused_never_broadcast(half, shape):
    module = Scale()
    module(torch.ones(2))
    with pytest.raises(
        cn.ShapeError, match=r"backward of Scale\(\) got .*expected the output's shape \(2,\)"
    ) as caught:
        getattr(module, half)(torch.ones(shape))
    assert caught.value.shape == shape
    assert module.weight.grad.item() == 0
    assert module.backward(torch.ones(2)).tolist() == [2.0, 2.0]


def test_forward_and_backward_leave_their_arguments_alone():
    module, input, grad_output = Scale(), torch.tensor([1.0, -2.0]), torch.tensor([3.0, 4.0])
    module(input)
    module.backward(grad_output)
    assert (input.tolist(), grad_output.tolist()) == ([1.0, -2.0], [3.0, 4.0])


def test_evaluating_gives_each_module_its_own_mode_back_even_after_an_error():
    module = Counting()
    module.listed[0].eval()
    seen = []

    def fail():
        with evaluating(module):
            seen.extend(each.training for _, each in module.named_modules())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert seen == [False] * 5
    assert [each.training for _, each in module.named_modules()] == [True, True, False, True, True]


def test_the_repr_is_the_class_called():
    assert repr(Scale()) == "Scale()"


def test_a_failed_check_runs_no_forward():
    class Picky(Negate):
        def check(self, input):
            self.check_floating(input)

        def forward(self, input):
            raise AssertionError("forward ran")

    with pytest.raises(cn.DTypeError):
        Picky()(torch.ones(1, dtype=torch.int64))


class Scaled(cn.Linear):
    def forward(self, input):
        return 2 * super().forward(input)

    def backward(self, grad_output):
        return super().backward(2 * grad_output)


def test_an_inherited_parameter_half_follows_the_new_backward():
    x, g = torch.randn(5, 3), torch.randn(5, 2)
    whole, half = Scaled(3, 2), Scaled(3, 2)
    for module, backward in ((whole, whole.backward), (half, half.backward_parameters)):
        module(x)
        backward(g)
    assert torch.equal(whole.weight.grad, half.weight.grad)
    assert torch.equal(whole.weight.grad, 2 * g.T @ x)


class RowSum(cn.Linear):
    def forward(self, input):
        return super().forward(input).sum(-1)

    def backward(self, grad_output):
        return super().backward(grad_output.unsqueeze(-1).expand(-1, self.out_features))


def test_a_subclass_may_change_the_shape_of_the_output():
    assert cn.gradcheck(RowSum(3, 2), torch.randn(5, 3))
    module = RowSum(3, 2)
    module(torch.randn(5, 3))
    with pytest.raises(cn.ShapeError, match=r"expected the output's shape \(5,\)"):
        module.backward(torch.ones(5, 2))


def test_a_parameter_of_the_class_is_refused():
    with pytest.raises(cn.StructureError, match="w belongs to the class"):
        type("Shared", (cn.Module,), {"w": cn.Parameter(torch.ones(2))})


@pytest.mark.parametrize("value", [torch.ones(2, requires_grad=True), torch.nn.Parameter(torch.ones(2))])
def test_a_tensor_that_requires_grad_is_refused_as_an_attribute(value):
    with pytest.raises(cn.StructureError, match=r"assign cn\.Parameter"):
        cn.ReLU().weight = value


def test_a_module_of_torch_nn_is_refused_as_an_attribute():
    with pytest.raises(cn.StructureError, match=r"torch\.nn\.Linear"):
        cn.ReLU().inner = torch.nn.Linear(2, 2)


@pytest.mark.parametrize("output", [None, (torch.ones(2), torch.ones(2))])
def test_a_forward_that_returns_no_tensor_says_so_and_leaves_nothing_saved(output):
    class Odd(cn.Module):
        def forward(self, input):
            self.save(input)
            return output

    odd = Odd()
    with pytest.raises(cn.DTypeError, match=r"forward of Odd\(\) must return a torch.Tensor, not (NoneType|tuple)"):
        odd(torch.ones(2))
    assert odd._saved is None
