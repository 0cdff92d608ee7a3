"""Whether a module trains, evaluates, or is frozen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

from corenet.contracts.parameter import Parameter, set_frozen
from corenet.errors import ConfigError

if TYPE_CHECKING:
    from corenet.contracts.module import Module


class Modes:
    """The modes of a module, which reach all modules below it."""

    training: bool = True
    _saved: Any = None
    _is_frozen: bool = False
    _saves_frozen: bool = False  # a frozen module evaluates in a model that trains, and saves for what is before it

    def train(self, mode: bool = True) -> Self:
        """Switch to training mode, in which forward saves and dropout drops; ``train(False)`` is :meth:`eval`.

        A frozen module saves, and otherwise stays as in evaluation.

        Raises:
            ConfigError: ``mode`` is neither True nor False; to train a model, see :func:`~corenet.fit`.
        """
        if not isinstance(mode, bool):
            raise ConfigError(
                f"train(mode) switches the mode by True or False, not {type(mode).__name__}; corenet.fit trains",
                name="mode",
                value=mode,
            )
        for module in self._below():
            module.training = mode and not module._is_frozen
            module._saves_frozen = mode and module._is_frozen
            if not mode:
                module._saved = None
        return self

    def eval(self) -> Self:
        """Switch to evaluation mode: forward saves nothing, and what was saved is dropped."""
        return self.train(False)

    def forget(self) -> None:
        """Drop what forward saved, here and below."""
        for module in self._below():
            module._saved = None

    @property
    def frozen(self) -> bool:
        """Whether :meth:`freeze` reached this module; its backward may then leave the gradients of parameters out."""
        return self._is_frozen

    def freeze(self) -> Self:
        """Keep this module, and all below, as they are: no optimizer changes their parameters, from now on.

        In a model that trains they evaluate: dropout drops nothing, running statistics stay. Gradients are still handed
        on to what is before them; where all of that is frozen too, :class:`~corenet.Sequential` computes none.
        A parameter that modules share is frozen with any of them.

        >>> import corenet as cn
        >>> model, data = cn.Sequential(cn.Linear(2, 3), cn.Tanh(), cn.Linear(3, 1)), cn.data.disk(100, seed=0)
        >>> model[:2].freeze()
        Sequential(
          [0] Linear(2 → 3)
          [1] Tanh()
        )
        >>> before = model.state_dict()
        >>> history = cn.fit(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), data, epochs=1, batch_size=10)
        >>> [name for name, value in model.state_dict().items() if not value.equal(before[name])]
        ['2.weight', '2.bias']
        """
        return self._freeze(True)

    def unfreeze(self) -> Self:
        """Let this module, and all below, be trained again."""
        return self._freeze(False)

    def _freeze(self, frozen: bool) -> Self:
        for module in self._below():
            trains = module.training or module._saves_frozen
            module._is_frozen = frozen
            module.training, module._saves_frozen = trains and not frozen, trains and frozen
            module._mark()
        return self

    def _mark(self) -> None:
        """Mark the parameters of this very module as it is frozen or not."""
        for _, value in self.named_members():  # type: ignore[attr-defined] # of the tree that it is a part of
            if isinstance(value, Parameter):
                set_frozen(value, self._is_frozen)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[misc] # of the tree that it is a part of
        if self._is_frozen:
            self._mark()  # which a copy of a parameter does not have

    def _below(self) -> Iterator[Module]:
        return (module for _, module in self.named_modules())  # type: ignore[attr-defined] # of the tree as well
