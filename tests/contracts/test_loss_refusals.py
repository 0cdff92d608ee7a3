"""What a loss refuses: shapes, dtypes, devices and settings that do not match, each with its name."""

import pytest
import torch

import corenet as cn

ELEMENTWISE = [cn.MSELoss, cn.MAELoss, cn.BCELoss, cn.BCEWithLogitsLoss]
every_loss = pytest.mark.parametrize("kind", ELEMENTWISE)


def halves(*shape, dtype=torch.float32):
    return torch.full(shape, 0.5, dtype=dtype)


@every_loss
@pytest.mark.parametrize("target", [(4, 1), (1,), (1, 4), ()])
def test_shapes_must_be_equal_and_nothing_is_broadcast(kind, target):
    with pytest.raises(cn.ShapeError, match=r"got \(4,\); expected the target's shape \("):
        kind()(halves(4), halves(*target))


@every_loss
def test_integer_input_is_refused_naming_its_dtype(kind):
    integers = torch.ones(4, dtype=torch.int64)
    with pytest.raises(cn.DTypeError, match=r"got torch\.int64 as input; use input\.float\(\)"):
        kind()(integers, halves(4))
    with pytest.raises(cn.DTypeError, match=r"got torch\.int64 as target; use target\.float\(\)"):
        kind()(halves(4), integers)


@every_loss
def test_mixed_dtypes_are_refused_naming_both(kind):
    with pytest.raises(cn.DTypeError, match=r"got torch\.float32 input and torch\.float64 target"):
        kind()(halves(4), halves(4, dtype=torch.float64))


@every_loss
def test_input_that_requires_grad_is_refused(kind):
    with pytest.raises(cn.ConfigError, match=r"got input that requires grad; .* use input\.detach\(\)"):
        kind()(halves(1).requires_grad_(), halves(1))


@every_loss
def test_what_is_no_tensor_is_refused(kind):
    with pytest.raises(cn.DTypeError, match="got list as target"):
        kind()(halves(1), [0.5])


@every_loss
def test_different_devices_are_refused_naming_both(kind):
    with pytest.raises(cn.DeviceError, match="input on cpu and target on meta"):
        kind()(halves(1), torch.ones(1, device="meta"))


@every_loss
@pytest.mark.parametrize("reduction", ["avg", "Mean", "", None, "suum"])
def test_unknown_reduction_is_refused(kind, reduction):
    with pytest.raises(cn.ConfigError, match="reduction must be 'mean', 'sum' or 'none', not") as caught:
        kind(reduction=reduction)
    assert (caught.value.name, caught.value.value) == ("reduction", reduction)


def test_unknown_reduction_is_answered_with_the_closest():
    with pytest.raises(cn.ConfigError, match=r"\(did you mean 'sum'\?\)"):
        cn.MSELoss("suum")


@every_loss
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_mean_of_an_empty_batch_is_refused(kind, shape):
    with pytest.raises(cn.ShapeError, match="the mean of an empty batch is undefined"):
        kind()(torch.empty(shape), torch.empty(shape))
    summed = kind(reduction="sum")
    assert summed(torch.empty(shape), torch.empty(shape)).item() == 0
    assert summed.backward().shape == shape


class Weighted(cn.Loss):
    """Takes three arguments, as PyTorch's losses may."""

    def forward(self, input, target, weight):
        return (weight * (input - target)).sum()

    def backward(self):
        raise NotImplementedError


TAKES = r"takes \(input, target\); several outputs or targets are a tuple"


@pytest.mark.parametrize("kind", [*ELEMENTWISE, cn.CrossEntropyLoss, Weighted])
def test_three_tensors_as_in_pytorch_are_refused(kind):
    with pytest.raises(cn.ConfigError, match=rf"^{kind.__name__}\(\) {TAKES}; got 3 arguments$"):
        kind()(halves(4), halves(4), halves(4))


def test_a_forward_that_takes_more_is_named():
    with pytest.raises(cn.ConfigError, match=rf"^Weighted\(\) {TAKES}; its forward takes input, target, weight$"):
        Weighted()(halves(4), halves(4))
    model = cn.Sequential(cn.Linear(3, 2))
    optimizer, data = cn.SGD(model.parameters(), lr=0.1), cn.data.Dataset(halves(5, 3), halves(5, 2))
    with pytest.raises(cn.ConfigError, match=TAKES):
        cn.fit(model, Weighted(), optimizer, data, epochs=1, batch_size=5, progress=False)


def test_a_type_error_within_a_forward_is_its_own():
    class Mistaken(Weighted):
        def forward(self, input, target):
            return input + None

    with pytest.raises(TypeError, match="unsupported operand"):
        Mistaken()(halves(4), halves(4))


@pytest.mark.parametrize("kind", [*ELEMENTWISE, cn.CrossEntropyLoss])
def test_a_tuple_for_one_tensor_is_refused(kind):
    both = (halves(4), halves(4))
    for pair, name in (((both, halves(4)), "input"), ((halves(4), both), "target")):
        with pytest.raises(cn.DTypeError, match=rf"takes one tensor as {name}, got a tuple of 2; a loss for each is "):
            kind()(*pair)


def test_a_loss_without_checks_of_its_own_names_what_it_cannot_compute_with():
    class Cut(cn.Loss):
        def forward(self, input, target):
            self.save(input, target)
            return input.reshape(-1).sum() - target.sum()

        def backward(self):
            return torch.ones_like(self.saved()[0])

    with pytest.raises(cn.DTypeError, match=r"got a tensor of torch\.sparse_coo; use \.to_dense\(\)"):
        Cut()(torch.eye(2).to_sparse(), torch.ones(2))


class Apart(cn.Loss):
    """The squared distance of two outputs; its backward forgets the second."""

    def forward(self, input, target):
        self.save(input[0] - input[1])
        return self.saved()[0].square().sum()

    def backward(self):
        return (torch.ones(3),)


def test_a_backward_that_forgets_an_output_is_said():
    loss = Apart()
    loss((torch.ones(3), torch.zeros(3)), torch.zeros(3))
    with pytest.raises(
        cn.BackwardError, match=r"^Apart\(\): backward returns 1 gradients, and the model gave 2; return"
    ):
        loss.backward()


@pytest.mark.parametrize("method", ["probabilities", "predictions"])
def test_what_is_no_output_is_named_by_what_reads_it(method):
    with pytest.raises(cn.DTypeError, match=r"got (a )?str"):
        getattr(cn.BCEWithLogitsLoss(), method)("abc")
