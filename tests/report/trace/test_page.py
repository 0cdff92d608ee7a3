"""The page of a trace: one file, complete, in which a plugin's text is text."""

import re
from html import unescape
from html.parser import HTMLParser

import pytest
import torch
from markupsafe import escape

import corenet as cn
from corenet.report.trace.page import page
from corenet.report.trace.shown_source import backward_sources, shown_source

VOID = {"meta", "br"}


class Reader(HTMLParser):
    """Read a page: the elements, their attributes, and whether each is closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def wrong(traced, minus):
    return traced(cn.Linear(2, 3), minus(), cn.Linear(3, 1))


@pytest.fixture(scope="module")
def right_page(small):
    return page(small, "a step")


@pytest.fixture(scope="module")
def wrong_page(wrong):
    return page(wrong, "<i>title</i>")


def test_it_is_one_well_formed_file_that_asks_for_nothing_else(right_page):
    text, read = right_page, Reader(right_page)
    assert read.open == []
    assert not {"script", "link", "img", "iframe"} & set(read.tags)
    assert not {"src", "href"} & {name for name, _ in read.attributes}
    assert not re.search(r"https?://|@import|url\(", text)
    assert "prefers-color-scheme: dark" in text
    assert ("name", "viewport") in read.attributes


def test_each_layer_stands_beside_its_own_source(small, right_page):
    text = right_page
    for layer in small.layers:
        assert f"<pre><code>{escape(shown_source(layer.module, 'forward'))}</code></pre>" in text
        for each in backward_sources(layer.module):
            assert f"<pre><code>{escape(each)}</code></pre>" in text
    assert "self.weight.grad += grad_output.T @ input" in text
    assert "def checked" not in text  # what the contract wraps around it


def test_the_layers_are_shown_forward_and_then_backward(right_page):
    titles = re.findall(r"<h3>\[(\d)\]", right_page)
    assert [int(title) for title in titles] == [0, 1, 2, 3, 4, 4, 3, 2, 1, 0]


def test_a_histogram_or_its_numbers_stand_for_each_tensor(right_page):
    labels = re.findall(r'aria-label="(?:histogram|numbers) of ([^,"]+)', right_page)
    assert labels.count("input") == labels.count("output") == labels.count("∂L/∂output") == 5
    assert labels.count("∂L/∂weight") == 2
    assert labels.count("∂L/∂input") == 4


def test_what_a_plugin_wrote_is_text(wrong_page):
    assert "<script" not in wrong_page
    assert "<i>title" not in wrong_page
    assert "Minus(&lt;script&gt;alert(" in wrong_page
    assert "# &lt;b&gt;a sign &amp; too many&lt;/b&gt;" in wrong_page


HOSTILE = "</pre></style><script>alert(1)</script><img src=x onerror='alert(2)'>\x1b[31m\u202e"


def hostile():
    """Return a layer that has markup wherever a plugin may write: names of class and parameter, docstring, errors."""

    class Layer(cn.Module):
        """</code></pre><script>alert("docstring")</script>"""

        def __init__(self):
            setattr(self, HOSTILE, cn.Parameter(torch.ones(3)))

        def forward(self, input):
            if input.dtype == torch.float64:
                raise RuntimeError(HOSTILE)
            return input.clone()

        def backward(self, grad_output):
            """</code></pre><script>alert("source")</script>"""
            return grad_output

    Layer.__name__ = Layer.__qualname__ = HOSTILE
    return Layer()


def test_hostile_names_docstrings_and_errors_are_escaped(traced):
    text = page(traced(cn.Linear(2, 3), hostile(), cn.Linear(3, 1)), HOSTILE)
    read = Reader(text)
    assert read.open == []
    assert not {"script", "img"} & set(read.tags)
    assert not {name for name, _ in read.attributes} & {"src", "onerror"}
    assert not set("\x1b\u202e") & set(text)
    shown = "".join(read.text)
    assert shown.count("<script>alert(1)</script>") >= 6  # title, heading, layer, parameter, error
    assert 'alert("source")' in shown


def test_a_wrong_gradient_is_shown(wrong_page, right_page):
    assert "A gradient is WRONG." in wrong_page
    assert wrong_page.count('<article class="faulty">') == 1
    assert re.search(r'<p class="problem wrong">input .*\n    at .*: ours -?[\d.]+, numeric', unescape(wrong_page))
    assert "No gradient is wrong." in right_page
    assert 'class="faulty"' not in right_page
    assert 'class="wrong"' not in right_page


def test_a_source_that_is_not_available_is_named(traced):
    scope = {"cn": cn}
    exec(
        "class Made(cn.Module):\n"
        "    def forward(self, input): return input\n"
        "    def backward(self, grad_output): return grad_output\n",
        scope,
    )
    text = page(traced(cn.Linear(2, 1), scope["Made"]()), "a step")
    assert "# The source of Made.forward is not available." in text
    assert "# The source of Made.backward is not available." in text
