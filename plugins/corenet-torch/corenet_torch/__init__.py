"""The bridge to PyTorch: prove any backward that was written for it, by corenet's verification kit."""

from corenet_torch.check import FunctionReport, GradcheckError, check, gradcheck

__all__ = ["FunctionReport", "GradcheckError", "check", "gradcheck"]
