"""A model of corenet as an ONNX file, which other runtimes compute with."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import torch
from corenet.contracts.module import Module
from corenet.contracts.several import each_of
from corenet.errors import ConfigError, CorenetError, MissingExtraError
from corenet.files import write_bytes
from corenet.registry.sanitize import plain
from torch import Tensor

ROUNDING = {torch.float32: 1e-4, torch.float64: 1e-9}  # relative, of runtimes that compute in another order


class ExportError(CorenetError, RuntimeError):
    """A model cannot be written as ONNX, or what is written computes something else."""


def to_onnx(model: Module, path: str | Path, *inputs: Tensor, any_rows: bool = True) -> None:
    """Write what ``model`` computes in evaluation mode to an ONNX file, once onnxruntime has verified it.

    The file computes the model of now: its weights are copied, and the model is left as it is. Before anything is
    written, onnxruntime runs it on the inputs, and on twice as many rows, and its outputs are held against the model's.

    Args:
        model: any module of corenet, a plugin's too.
        path: the file; one that is there is replaced.
        inputs: tensors that the model takes, float32 as a rule.
        any_rows: False fixes the number of rows, the first dimension of each input, to that of the inputs given.

    Raises:
        ConfigError: ``model`` is no module, or an input is no tensor.
        MissingExtraError: ``onnxscript`` or ``onnxruntime`` is not installed.
        ExportError: the model does something that ONNX has no word for, or the runtime computes other numbers.
        OutputError: the file cannot be written.

    >>> import corenet as cn
    >>> model = cn.Sequential(cn.Linear(3, 4), cn.Tanh(), cn.Linear(4, 1))
    >>> to_onnx(model, "model.onnx", torch.randn(5, 3))  # doctest: +SKIP

    Reference: the Open Neural Network Exchange, https://onnx.ai.
    """
    if not isinstance(model, Module):
        raise ConfigError(f"to_onnx takes a module of corenet, not {model!r:.80}")
    if not inputs or not all(isinstance(each, Tensor) for each in inputs):
        raise ConfigError("to_onnx needs the inputs that the model takes, tensors, to see what it does")
    model, inputs = copy.deepcopy(model).to(device="cpu").eval(), tuple(each.detach().cpu() for each in inputs)
    content = _exported(model, inputs, any_rows=any_rows)
    for rows in [1, 2] if any_rows else [1]:
        _verify(
            content, model, tuple(each.repeat(rows, *[1] * (each.dim() - 1)) if each.dim() else each for each in inputs)
        )
    write_bytes(path, content)


class _Evaluated(torch.nn.Module):
    """A module of corenet in the form that torch exports; its tensors keep their names."""

    def __init__(self, model: Module) -> None:
        super().__init__()
        self.__dict__["model"] = model
        for name, tensor in model.named_tensors():
            self.register_buffer(name.replace(".", "_"), tensor)
        self.eval()

    def forward(self, *inputs: Tensor) -> Any:
        return self.__dict__["model"](*inputs)


def _exported(model: Module, inputs: tuple[Tensor, ...], *, any_rows: bool) -> bytes:
    try:
        import onnxruntime  # noqa: F401 - it is missed before the export, which takes seconds
        import onnxscript  # noqa: F401 - torch needs it
    except ImportError as error:
        raise MissingExtraError(f"to_onnx needs {error.name}; run: pip install 'corenet-torch[onnx]'") from error
    rows = {0: torch.export.Dim.DYNAMIC} if any_rows else {}
    shapes = (tuple(rows if each.dim() else {} for each in inputs),)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of torch's exporter, about itself
            program = torch.onnx.export(
                _Evaluated(model), inputs, dynamo=True, verbose=False, dynamic_shapes=shapes, optimize=True
            )
    except Exception as error:
        lines = str(error.__cause__ or error).strip().splitlines() or [type(error).__name__]
        raise ExportError(f"{_said(model)} cannot be written as ONNX: {lines[0]:.200}") from error
    assert program is not None
    content: bytes = program.model_proto.SerializeToString()
    return content


def _verify(content: bytes, model: Module, inputs: tuple[Tensor, ...]) -> None:
    """Raise unless onnxruntime computes what the model does."""
    import onnxruntime

    expected = each_of(model(*inputs))
    try:
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        named = {place.name: each.numpy() for place, each in zip(session.get_inputs(), inputs, strict=True)}
        outputs = session.run(None, named)
    except Exception as error:
        raise ExportError(f"onnxruntime cannot run {_said(model)}: {' '.join(str(error).split()):.200}") from error
    for found, right in zip(outputs, expected, strict=True):
        computed = torch.as_tensor(found)
        allowed = ROUNDING.get(right.dtype, 1e-2)
        if not torch.allclose(computed, right, rtol=allowed, atol=allowed * _size(right), equal_nan=True):
            off = (computed.double() - right.double()).abs().max().item()
            rows = len(inputs[0]) if inputs[0].dim() else 1
            raise ExportError(
                f"onnxruntime computes other numbers than {_said(model)}: {off:.1e} off, with {rows} rows"
            )


def _said(model: Module) -> str:
    return f"{plain(repr(model)):.80}"


def _size(tensor: Tensor) -> float:
    finite = tensor.double().abs()
    finite = finite[finite.isfinite()]
    return finite.max().item() if finite.numel() else 0.0
