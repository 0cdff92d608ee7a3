"""What constructors of this package ask of their arguments."""

from __future__ import annotations

from numbers import Integral

from corenet import ConfigError


def refuse_no_size(owner: str, **sizes: object) -> None:
    """Raise :class:`~corenet.ConfigError` unless each is an integer ≥ 1."""
    for name, value in sizes.items():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise ConfigError(f"{owner}: {name} must be an integer ≥ 1, not {value!r}", name=name, value=value)


def refuse_no_probability(owner: str, name: str, value: object) -> None:
    """Raise :class:`~corenet.ConfigError` unless ``value`` is a number in [0, 1]."""
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:  # false for NaN too
        raise ConfigError(f"{owner}: {name} must be a number in [0, 1], not {value!r}", name=name, value=value)


def refuse_no_choice(owner: str, name: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise :class:`~corenet.ConfigError` unless ``value`` is one of ``choices``."""
    if value not in choices:
        listed = " or ".join(map(repr, choices))
        raise ConfigError(f"{owner}: {name} must be {listed}, not {value!r}", name=name, value=value)
