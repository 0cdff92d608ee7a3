"""Callbacks called: begun, called after each epoch, and ended, whatever ends the training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from corenet.contracts.callback import Callback, Training
from corenet.errors import CallbackError, ConfigError, CorenetError
from corenet.registry.collect import reason_of
from corenet.registry.named import made
from corenet.training.engines.recording.restore import restored

METHODS = ("begin", "after_epoch", "end")


class Callbacks:
    """The callbacks of a training, in order: names, instances, or any objects that have the three methods.

    What one draws takes no number from what the training draws. If ``but_writers``, those that write files are not
    called: another process does the same training, and calls them.

    Raises:
        ConfigError: one has not, or this is no list.
        UnknownComponentError: no callback has a name that is given.
    """

    def __init__(self, callbacks: Iterable[str | Callback | Any] = (), *, but_writers: bool = False) -> None:
        if not isinstance(callbacks, Iterable) or isinstance(callbacks, str | Tensor):
            raise ConfigError(f"callbacks must be a list, not {callbacks!r:.80}", name="callbacks", value=callbacks)
        self._all = [_usable(made("callback", each, "callbacks")) for each in callbacks]
        self._called = [each for each in self._all if not (but_writers and getattr(each, "writes", False))]

    def __bool__(self) -> bool:
        return bool(self._called)

    def refuse_writers(self, name: str) -> None:
        """Refuse those that write files, of which several processes would write one."""
        for callback in self._all:
            if getattr(callback, "writes", False):
                text = f"{name}: {type(callback).__name__} writes a file, which several processes would do at once"
                raise ConfigError(f"{text}; leave it out, or take {name}=1", name=name)

    @contextmanager
    def during(self, training: Training) -> Iterator[None]:
        """Begin each, and end each that was begun, also where the training ends by an error."""
        begun: list[Any] = []
        try:
            for callback in self._called:
                begun.append(callback)
                _begin(callback, training)
            yield
        except BaseException as error:
            for callback in begun:
                try:
                    _end(callback, training)
                except Exception as another:  # noqa: BLE001 - the first is the one to tell of
                    error.add_note(str(another))
            raise
        _end_all(begun, training)

    def after_epoch(self, training: Training) -> bool:
        """Call each; tell whether one of them ends the training."""
        answers = [self._stops(callback, training) for callback in self._called]  # of all, also after one that ends it
        return any(answers)

    def names(self) -> list[str]:
        """Return the name of the class of each."""
        return [type(each).__name__ for each in self._all]

    def state(self, training: Training) -> list[dict[str, Any]]:
        """Return what each keeps, for a training that goes on elsewhere; nothing of one that has no ``state_dict``."""
        return [_state(callback, training) for callback in self._all]

    def load(self, state: list[dict[str, Any]], training: Training) -> None:
        """Give each, after it was begun, what :meth:`state` returned."""
        for callback, kept in zip(self._all, state, strict=False):  # whose names are those of the checkpoint's
            if kept and any(callback is each for each in self._called):
                with _blaming(callback, "as its state was loaded", training):
                    callback.load_state_dict(kept)

    def _stops(self, callback: Any, training: Training) -> bool:
        with _as_it_is(ConfigError), _blaming(callback, f"after epoch {training.epoch}", training):
            answer = callback.after_epoch(training)
            if answer is not None and not isinstance(answer, bool):
                raise TypeError(f"after_epoch() returns True to end the training, False or None, not {answer!r:.80}")
            return bool(answer)


def _state(callback: Any, training: Training) -> dict[str, Any]:
    with _blaming(callback, "as its state was saved", training):
        return dict(callback.state_dict()) if hasattr(callback, "state_dict") else {}


def _begin(callback: Any, training: Training) -> None:
    with _as_it_is(CorenetError), _blaming(callback, "as the training began", training):
        callback.begin(training)  # nothing was trained yet, so that any error of ours is about an argument


def _end_all(callbacks: list[Any], training: Training) -> None:
    """End each, and raise the first error then."""
    errors = []
    for callback in callbacks:
        try:
            _end(callback, training)
        except CallbackError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def _end(callback: Any, training: Training) -> None:
    with _blaming(callback, "as the training ended", training):
        callback.end(training)


@contextmanager
def _as_it_is(argument: type[CorenetError]) -> Iterator[None]:
    """Let errors of this kind, which are about an argument of the callback, be raised as they are."""
    try:
        yield
    except CallbackError as error:
        if isinstance(error.__cause__, argument):
            raise error.__cause__ from None
        raise


@contextmanager
def _blaming(callback: Any, when: str, training: Training) -> Iterator[None]:
    """Let what a callback raises name it, and put torch's generators back where they were."""
    try:
        with restored(()):
            yield
    except Exception as error:
        name = type(callback).__name__
        raise CallbackError(
            f"callback {name} raised {when}: {reason_of(error)}", callback=name, epoch=training.epoch
        ) from error


def _usable(callback: Any) -> Any:
    if isinstance(callback, type) or not all(callable(getattr(callback, each, None)) for each in METHODS):
        hint = f"; write {callback.__name__}(...)" if isinstance(callback, type) else ""
        raise ConfigError(
            f"callbacks must have begin, after_epoch and end, as a cn.Callback has; {callback!r:.80} has not{hint}",
            name="callbacks",
            value=callback,
        )
    return callback
