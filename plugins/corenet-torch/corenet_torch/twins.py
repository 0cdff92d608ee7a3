"""The same model on the other side: modules of PyTorch's as corenet's, and back, with weights."""

from __future__ import annotations

import inspect
from typing import Any

import corenet as cn
from corenet.checkpoint.arguments import NotKeptError, arguments_of
from corenet.contracts.module import Module
from corenet.errors import ConfigError, UnknownComponentError
from torch import Tensor, nn

# The modules of one name and one behaviour on both sides: by class, the component and the distribution that has it.
TWINS = {
    **dict.fromkeys(("Linear", "Dropout", "Flatten", "ReLU", "Tanh", "Sigmoid", "Softmax", "LogSoftmax"), "corenet"),
    **dict.fromkeys(("ELU", "GELU", "GLU", "Hardswish", "Hardtanh", "LeakyReLU"), "corenet-activations"),
    **dict.fromkeys(("Mish", "PReLU", "SELU", "SiLU", "Softplus", "Softsign"), "corenet-activations"),
    **dict.fromkeys(("Conv1d", "Conv2d", "ConvTranspose2d", "MaxPool1d", "MaxPool2d", "AvgPool2d"), "corenet-conv"),
    **dict.fromkeys(("AdaptiveAvgPool2d", "ZeroPad2d", "Unflatten"), "corenet-conv"),
    **dict.fromkeys(
        ("BatchNorm1d", "BatchNorm2d", "GroupNorm", "InstanceNorm2d", "LayerNorm", "RMSNorm"), "corenet-norm"
    ),
    **dict.fromkeys(("Embedding", "RNN", "GRU", "LSTM"), "corenet-sequence"),
}
NAMES = {"ReLU": "relu", "LSTM": "lstm", "RNN": "rnn", "GRU": "gru", "ELU": "elu", "GELU": "gelu", "GLU": "glu"} | {
    "PReLU": "prelu", "SELU": "selu", "SiLU": "silu", "LeakyReLU": "leaky_relu", "RMSNorm": "rms_norm",
}  # fmt: skip
# What PyTorch's module may be told beyond what corenet's is, and must not be.
PLAIN = {"max_norm": None, "scale_grad_by_freq": False, "sparse": False, "proj_size": 0, "padding_mode": "zeros"}


def from_torch(module: nn.Module) -> Module:
    """Return a module of corenet that computes what ``module`` does, with copies of its weights, buffers and mode.

    It may be an ``nn.Sequential``, nested too, of modules that corenet or one of its installed plugins has by the same
    name. Those of a recurrence return their last states beside the output, not in a tuple of their own.

    Raises:
        ConfigError: there is no such module, its plugin is missing, or it is told what corenet's cannot be.

    >>> model = from_torch(nn.Sequential(nn.Linear(3, 2), nn.Tanh()))
    >>> model[0], list(model.state_dict())
    (Linear(3 → 2), ['0.weight', '0.bias'])
    """
    if type(module) is nn.Sequential:
        found: Module = cn.Sequential(*map(from_torch, module))
        return found.train(module.training)
    name = type(module).__name__
    if name not in TWINS or type(module) is not getattr(nn, name):
        raise ConfigError(
            f"from_torch knows no {type(module).__qualname__}: it takes {', '.join(['Sequential', *TWINS])}"
        )
    for option, plain in PLAIN.items():
        if getattr(module, option, plain) != plain:
            raise ConfigError(f"from_torch takes no {name} with {option}={getattr(module, option)!r}, only {plain!r}")
    twin = _component(name)
    built = twin(**{each: _told(module, each) for each in _taken(twin) if hasattr(module, each)})
    placed = next((each for each in module.state_dict().values() if each.is_floating_point()), None)
    if placed is not None:
        built.to(placed.device, placed.dtype)
    built.load_state_dict({key: each.detach() for key, each in module.state_dict().items()})
    return built.train(module.training)


def to_torch(model: Module) -> nn.Module:
    """Return a module of PyTorch's that computes what ``model`` does, with copies of its weights, buffers and mode.

    Raises:
        ConfigError: PyTorch has no such module by the same name; :func:`as_function` takes any.

    >>> to_torch(cn.Sequential(cn.Linear(3, 2), cn.Tanh()))
    Sequential(
      (0): Linear(in_features=3, out_features=2, bias=True)
      (1): Tanh()
    )
    """
    if type(model) is cn.Sequential:
        return nn.Sequential(*map(to_torch, model)).train(model.training)
    name = type(model).__name__
    if name not in TWINS or type(model) is not _component(name):
        raise ConfigError(
            f"to_torch knows no {model!r}: it takes {', '.join(['Sequential', *TWINS])}; or use as_function"
        )
    twin: type[nn.Module] = getattr(nn, name)
    try:
        arguments = arguments_of(model)
    except NotKeptError as error:
        raise ConfigError(f"to_torch cannot build {model!r} again: it {error}") from error
    takes = _taken(twin)  # a recurrence of PyTorch's takes any, and passes them on
    built = twin(**{each: value for each, value in arguments.items() if each in takes or "kwargs" in takes})
    placed = next((each for _, each in model.named_tensors() if each.is_floating_point()), None)
    if placed is not None:
        built.to(placed.device, placed.dtype)
    built.load_state_dict({key: each.as_subclass(Tensor) for key, each in model.state_dict().items()})
    return built.train(model.training)


def _component(name: str) -> type[Module]:
    snake = NAMES.get(name) or "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")
    try:
        found: type[Module] = cn.get("module", f"{TWINS[name]}:{snake}")
    except UnknownComponentError as error:
        raise ConfigError(f"{name} is in a plugin that is not installed: pip install {TWINS[name]}") from error
    return found


def _taken(cls: type) -> list[str]:
    return [each for each in inspect.signature(cls).parameters if each not in ("device", "dtype")]


def _told(module: nn.Module, argument: str) -> Any:
    """Return what a module was given; a parameter or None in the place of a switch, such as bias, says on or off."""
    value = getattr(module, argument)
    return value is not None if argument == "bias" and not isinstance(value, bool) else value
