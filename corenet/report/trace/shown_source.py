"""The source of a module's forward and backward, as a trace shows it beside the figures."""

from __future__ import annotations

from corenet.contracts.module import Module
from corenet.report.html.templates import visible
from corenet.testing.diagnosis.method_source import method_of


def shown_source(cls: type[Module], name: str) -> str:
    """Return the source of the method ``name`` of ``cls``, as its author wrote it; or a comment that there is none.

    >>> import corenet as cn
    >>> print(shown_source(cn.ReLU, "forward"))
    def forward(self, input: Tensor) -> Tensor:
        output = torch.relu(input)
        self.save(output)
        return output
    """
    method = method_of(cls, name)
    return visible(method.text).rstrip() if method else f"# The source of {cls.__name__}.{name} is not available."


def backward_sources(cls: type[Module]) -> list[str]:
    """Return the source of ``backward`` and, where a class defines it, of ``backward_parameters``.

    >>> import corenet as cn
    >>> [len(backward_sources(cls)) for cls in (cn.ReLU, cn.Linear)]
    [1, 2]
    """
    halved = getattr(cls, "backward_parameters") is not Module.backward_parameters  # noqa: B009 - a method, not a value
    return [shown_source(cls, name) for name in ["backward", "backward_parameters"][: 1 + halved]]
