"""The bridge to PyTorch: prove any backward that was written for it, and hand models over, both ways."""

from corenet_torch.check import FunctionReport, GradcheckError, check, gradcheck
from corenet_torch.layer import as_function
from corenet_torch.onnx_file import ExportError, to_onnx
from corenet_torch.other_libraries import check_pair, check_vjp
from corenet_torch.parametrize import parametrize_functions
from corenet_torch.twins import from_torch, to_torch

__all__ = [
    "ExportError",
    "FunctionReport",
    "GradcheckError",
    "as_function",
    "check",
    "check_pair",
    "check_vjp",
    "from_torch",
    "gradcheck",
    "parametrize_functions",
    "to_onnx",
    "to_torch",
]
