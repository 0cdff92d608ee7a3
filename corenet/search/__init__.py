"""Searching for hyper-parameters: experiments with other numbers, tried by Optuna. It needs the extra ``search``."""

from corenet.errors import MissingExtraError

try:
    import optuna  # noqa: F401 - asked here, so that its absence is one line wherever it would first be noticed
except ImportError as error:
    raise MissingExtraError('a search needs Optuna; run: pip install "corenet[search]"') from error
