"""The source of a module's own forward and backward, to be read beside its numbers."""

from __future__ import annotations

from unicodedata import category

from corenet.contracts.module import Module
from corenet.testing.diagnosis.method_source import method_of


def source(cls: type[Module], name: str) -> str:
    """Return the source of the method ``name`` of ``cls``, as its author wrote it; or a comment why there is none.

    >>> import corenet as cn
    >>> print(source(cn.ReLU, "forward"))
    def forward(self, input: Tensor) -> Tensor:
        output = torch.relu(input)
        self.save(output)
        return output
    """
    method = method_of(cls, name)
    return _visible(method.text).rstrip() if method else f"# The source of {cls.__name__}.{name} is not available."


def backward_sources(cls: type[Module]) -> list[str]:
    """Return the source of ``backward`` and, where a class has its own, of the half for the parameters.

    >>> import corenet as cn
    >>> [len(backward_sources(cls)) for cls in (cn.ReLU, cn.Linear)]
    [1, 2]
    """
    halved = getattr(cls, "backward_parameters") is not Module.backward_parameters  # noqa: B009 - a method, not a value
    return [source(cls, name) for name in ["backward", "backward_parameters"][: 1 + halved]]


def _visible(text: str) -> str:
    """Leave out what could make source look like other source: control characters and turns of direction."""
    return "".join(each for each in text if each in "\n\t" or not category(each).startswith("C"))
