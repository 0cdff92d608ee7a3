"""The source that a page shows."""

import corenet as cn
from corenet.report.trace.shown_source import backward_sources, shown_source


def test_a_source_that_cannot_be_read_is_named():
    scope = {"cn": cn}
    exec("class Made(cn.Module):\n    def forward(self, input): return input\n", scope)
    assert shown_source(scope["Made"], "forward") == "# The source of Made.forward is not available."


def test_both_halves_of_a_backward_are_shown():
    whole, half = backward_sources(cn.Linear)
    assert whole.startswith("def backward(self")
    assert half.startswith("def backward_parameters(self")
    assert "self.weight.grad += grad_output.T @ input" in half
