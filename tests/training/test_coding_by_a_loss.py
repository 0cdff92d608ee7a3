"""A loss says where classes are and what is ignored: codings and error rates of more than two classes."""

import pytest
import torch

import corenet as cn
from corenet.training.coding import are_classes, coding_of
from corenet.training.codings import Indices, OneHot, Probabilities, TwoValues

NAN = torch.nan
LOSS = cn.CrossEntropyLoss()
IDENTITY = cn.Sequential()


@pytest.mark.parametrize(
    ("targets", "shape", "loss", "expected"),
    [
        ([0, 2, 1, 2], (4, 3), LOSS, Indices(3, dim=1, ignored=-100)),
        ([[0, 2], [1, 1]], (2, 3, 2), LOSS, Indices(3, dim=1, ignored=-100)),
        ([[0, 2, 1], [1, 1, 0]], (2, 3, 3), LOSS, Indices(3, dim=1, ignored=-100)),
        ([[0, 2, 1], [1, 1, 0]], (2, 3, 3), None, Indices(3)),
        ([[0, 2, 1], [1, 1, 0]], (2, 3, 3), cn.MSELoss(), Indices(3)),
        ([0, -100, 1], (3, 2), LOSS, Indices(2, dim=1, ignored=-100)),
        ([0, 9, 1], (3, 2), cn.CrossEntropyLoss(ignore_index=9), Indices(2, dim=1, ignored=9)),
        ([[0.25, 0.75], [0.5, 0.5]], (2, 2), LOSS, Probabilities(2)),
        ([[1.0, 0.0], [0.0, 1.0]], (2, 2), LOSS, Probabilities(2)),
        ([[1.0, 0.0], [0.0, 1.0]], (2, 2), None, OneHot(2)),
        ([[[0.25, 1.0], [0.75, 0.0]]], (1, 2, 2), LOSS, Probabilities(2)),
        ([[0], [1], [0]], (3, 2), LOSS, Indices(2, in_column=True)),
        ([0.0, 1.0], (2,), LOSS, TwoValues(0, 1)),
    ],
)
def test_the_coding_that_a_loss_calls_for(targets, shape, loss, expected):
    targets = torch.tensor(targets)
    found = coding_of(targets, torch.zeros(shape), loss=loss)
    assert (type(found), found) == (type(expected), expected)
    assert found.output_shape(targets) == shape


@pytest.mark.parametrize(
    ("targets", "shape", "loss"),
    [
        ([0, 3, 1], (3, 3), LOSS),
        ([0, -1, 1], (3, 3), LOSS),
        ([0, -100, 1], (3, 3), cn.CrossEntropyLoss(ignore_index=-1)),
        ([[0.25, 0.75], [0.5, 0.5]], (2, 2), None),
        ([[0.25, 0.75], [0.5, 0.5]], (2, 2), cn.MSELoss()),
        ([[0.25, 0.75], [0.5, 0.5]], (2, 3), LOSS),
    ],
)
def test_what_a_loss_does_not_take_is_no_class(targets, shape, loss):
    with pytest.raises(cn.DataError, match="error_rate needs classes"):
        coding_of(torch.tensor(targets), torch.zeros(shape), loss=loss)


def test_other_targets_are_ignored_as_those_of_the_training_are():
    targets, other = torch.tensor([0, 2, 1]), torch.tensor([-100, 1])
    assert coding_of(targets, torch.zeros(3, 3), other, loss=LOSS) == Indices(3, dim=1, ignored=-100)
    with pytest.raises(cn.DataError, match="the validation targets are other than"):
        coding_of(targets, torch.zeros(3, 3), torch.tensor([3]), loss=LOSS)
    with pytest.raises(cn.DataError, match="the validation targets are other than"):
        coding_of(torch.rand(3, 3), torch.zeros(3, 3), torch.rand(2, 4), loss=LOSS)


def test_probabilities_are_known_by_the_loss_before_there_is_an_output():
    probabilities = torch.tensor([[0.25, 0.75], [0.5, 0.5]])
    assert are_classes(probabilities, loss=LOSS)
    assert not are_classes(probabilities)
    assert not are_classes(probabilities, loss=cn.MSELoss())


@pytest.mark.parametrize(
    ("coding", "targets", "output", "expected"),
    [
        (Indices(3, dim=1), [[2, 0]], [[[1.0, 3.0], [2.0, 2.0], [3.0, 1.0]]], [[True, True]]),
        (Indices(2, dim=1), [[1, 0]], [[[1.0, 2.0], [3.0, 4.0]]], [[True, False]]),
        (Indices(2, dim=1), [[1, 1]], [[[NAN, 2.0], [3.0, 4.0]]], [[False, True]]),
        (Indices(2), [[1, 1]], [[[NAN, 2.0], [3.0, 4.0]]], [[False, True]]),
        (Indices(2), [[1, 1]], [[[2.0, NAN], [3.0, 4.0]]], [[False, True]]),
        (Indices(2, dim=1), [[1, 1]], [[[2.0, NAN], [3.0, 4.0]]], [[True, False]]),
        (Probabilities(2), [[0.4, 0.6], [0.5, 0.5]], [[1.0, 2.0], [2.0, 1.0]], [True, True]),
        (Probabilities(2), [[[0.4, 0.9], [0.6, 0.1]]], [[[1.0, 2.0], [2.0, 3.0]]], [[True, False]]),
    ],
)
def test_which_outputs_are_right(coding, targets, output, expected):
    targets, output = torch.tensor(targets), torch.tensor(output)
    assert coding.right(output, output, coding.classes(targets)).tolist() == expected
    assert (
        coding.right(output, LOSS.predictions(output), coding.classes(targets)).shape == coding.classes(targets).shape
    )


def test_which_targets_are_judged():
    targets = torch.tensor([[0, -100], [2, 1]])
    assert Indices(3, dim=1, ignored=-100).judged(targets).tolist() == [[True, False], [True, True]]
    assert Indices(3, dim=1, ignored=-1).judged(targets) is None
    assert Indices(3, dim=1).judged(targets) is None
    assert Indices(3, in_column=True, ignored=5).judged(torch.tensor([[5], [1]])).tolist() == [False, True]
    assert OneHot(2).judged(torch.eye(2)) is None


def rates(output, targets, loss):
    data = cn.data.Dataset(torch.tensor(output), torch.tensor(targets))
    return cn.error_rate(IDENTITY, data, loss), cn.accuracy(IDENTITY, data, loss)


LOGITS = [[3.0, -1.0, 0.0], [0.0, 0.5, 0.2], [-3.0, -2.0, -1.0], [5.0, 6.0, 0.0]]


@pytest.mark.parametrize(
    ("targets", "loss", "expected"),
    [
        ([0, 1, 2, 0], LOSS, 1 / 4),
        ([0, 1, 2, -100], LOSS, 0.0),
        ([1, -100, 2, 0], LOSS, 2 / 3),
        ([1, 1, 2, 0], cn.CrossEntropyLoss(ignore_index=1), 1 / 2),
        ([[0.8, 0.1, 0.1], [0.4, 0.5, 0.1], [0.6, 0.1, 0.3], [0.2, 0.6, 0.2]], LOSS, 1 / 4),
    ],
)
def test_error_rate_and_accuracy(targets, loss, expected):
    assert rates(LOGITS, targets, loss) == (pytest.approx(expected), pytest.approx(1 - expected))


def test_classes_of_several_places_are_along_dimension_1_whatever_the_shape():
    output = [
        [[1.0, 5.0, 0.0], [2.0, 4.0, 0.0], [3.0, 3.0, 9.0]]
    ]  # the largest of each column: 2, 0, 2; of each row: 1, 1, 2
    assert rates(output, [[2, 0, 2]], LOSS)[0] == 0.0
    assert rates(output, [[1, 1, 2]], None)[0] == 0.0
    assert rates(output, [[2, -100, 1]], LOSS)[0] == 0.5


@pytest.mark.parametrize("kind", ["indices", "ignored", "probabilities"])
def test_fit_measures_the_error_rate_by_default(kind):
    torch.manual_seed(0)
    inputs = torch.randn(60, 4)
    target = (inputs @ torch.randn(4, 3)).argmax(1)
    expected = target.clone()
    if kind == "ignored":
        target[::4] = -100
    if kind == "probabilities":
        target = torch.nn.functional.one_hot(target, 3) * 0.4 + 0.2
    data = cn.data.Dataset(inputs, target)
    model = cn.Sequential(cn.Linear(4, 3))
    history = cn.fit(
        model, LOSS, cn.SGD(model.parameters(), lr=0.5), data, data, epochs=5, batch_size=10, progress=False
    )
    judged = target != -100 if kind == "ignored" else slice(None)
    wrong = (cn.predict(model, inputs).argmax(1) != expected)[judged].double().mean().item()
    assert history[-1].valid["error_rate"] == history[-1].train["error_rate"] == pytest.approx(wrong)
    assert history[-1].valid["loss"] == pytest.approx(LOSS(cn.predict(model, inputs), target).item(), rel=1e-5)
    assert 0 < wrong < 0.4


def test_probabilities_that_a_loss_of_values_learns_are_no_classes():
    inputs, model = torch.randn(20, 3), cn.Sequential(cn.Linear(3, 2))
    data = cn.data.Dataset(inputs, torch.softmax(inputs[:, :2], 1))
    optimizer = cn.SGD(model.parameters(), lr=0.1)
    history = cn.fit(model, cn.MSELoss(), optimizer, data, data, epochs=1, batch_size=10, progress=False)
    assert list(history[-1].valid) == ["loss"]


def test_several_targets_are_no_classes_by_default_and_refused_if_asked_for():
    class Sum(cn.Loss):
        def forward(self, input, target):
            self.save(input)
            return (input * target[0] + target[1]).sum()

        def backward(self):
            return torch.ones_like(*self.saved())

    inputs, model = torch.randn(20, 3), cn.Sequential(cn.Linear(3, 2))
    data = cn.data.Dataset(inputs, (torch.rand(20, 2), torch.randint(2, (20, 2))))
    optimizer, options = cn.SGD(model.parameters(), lr=0.01), {"epochs": 1, "batch_size": 10, "progress": False}
    assert list(cn.fit(model, Sum(), optimizer, data, data, **options)[-1].valid) == ["loss"]
    for ask in (
        lambda: cn.error_rate(model, data),
        lambda: cn.fit(model, Sum(), optimizer, data, data, metrics=[cn.accuracy], **options),
    ):
        with pytest.raises(cn.DataError, match=r"^(error_rate|accuracy) reads one target a point, and the data has 2"):
            ask()
