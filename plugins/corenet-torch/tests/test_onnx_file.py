"""A file of ONNX computes what the model does, in a runtime that knows nothing of it."""

import copy

import corenet as cn
import numpy as np
import pytest
import torch

from corenet_torch import ExportError, to_onnx
from corenet_torch.onnx_file import _verify


@pytest.fixture(scope="module")
def onnxruntime():
    pytest.importorskip("onnxscript", reason="torch writes ONNX by it")
    return pytest.importorskip("onnxruntime", reason="it computes what was written")


@pytest.mark.filterwarnings("ignore")  # of torch's exporter, about itself
def test_a_trained_model_computes_the_same_there_for_any_number_of_rows(onnxruntime, tmp_path):
    torch.manual_seed(1)
    model = cn.Sequential(cn.Linear(2, 7), cn.Tanh(), cn.Dropout(0.4), cn.Linear(7, 3), cn.Softmax())
    before, path = copy.deepcopy(model.state_dict()), tmp_path / "model.onnx"
    to_onnx(model, path, torch.randn(5, 2))
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (place,) = session.get_inputs()
    for rows in (1, 13):
        input = torch.randn(rows, 2)
        (output,) = session.run(None, {place.name: input.numpy()})
        np.testing.assert_allclose(output, cn.predict(model, input).numpy(), rtol=1e-5, atol=1e-7)
    # What another model computes is noticed.
    other = cn.Sequential(cn.Linear(2, 7), cn.Tanh(), cn.Linear(7, 3), cn.Softmax()).eval()
    with pytest.raises(ExportError, match=r"computes other numbers than .* off, with 4 rows"):
        _verify(path.read_bytes(), other, (torch.randn(4, 2),))


class Counts(cn.Module):
    """What ONNX has no word for: a shape that depends on the numbers."""

    def forward(self, input):
        return input[input > 0].tolist()

    def backward(self, grad_output):
        return grad_output


@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_written_is_said_in_one_line_and_nothing_is(onnxruntime, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"of before")
    with pytest.raises(ExportError, match="cannot be written as ONNX") as caught:
        to_onnx(Counts(), path, torch.randn(3, 2))
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"of before"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.nn.Linear(1, 1), "x.onnx", torch.ones(1, 1)), "to_onnx takes a module of corenet"),
        ((cn.ReLU(), "x.onnx"), "needs the inputs"),
        ((cn.ReLU(), "x.onnx", [1.0]), "needs the inputs"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(cn.ConfigError, match=message):
        to_onnx(*arguments)


def test_what_is_missing_is_named_with_its_command(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(
        cn.MissingExtraError, match=r"to_onnx needs onnxruntime; run: pip install 'corenet-torch\[onnx\]'"
    ):
        to_onnx(cn.ReLU(), tmp_path / "x.onnx", torch.ones(1, 1))
