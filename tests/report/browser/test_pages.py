"""The pages as a browser shows them: on a desk and on a phone, in the light and in the dark."""

import pytest

import corenet as cn
from corenet.report.run.comparison import Comparison
from corenet.report.run.comparison_page import compared
from corenet.report.trace.page import page as page_of_trace

pytest.importorskip("polars", reason="runs are of tables, which polars reads")

# Text must stand out from its ground by 4.5 to 1 (WCAG 2.2, 1.4.3), curves and bars by 3 to 1 (1.4.11).
CONTRAST = """
(() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => top.slice(0, 3).map((each, i) => each * top[3] + below[i] * (1 - top[3]));
  const light = colour => colour.map(each => each / 255)
    .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, i) => sum + each * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => element === null ? rgba("white").slice(0, 3)
    : over(rgba(getComputedStyle(element).backgroundColor), ground(element.parentElement));
  const ratio = (colour, element) => {
    const below = ground(element), [a, b] = [light(over(rgba(colour), below)), light(below)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const weak = [];
  for (const each of document.querySelectorAll("body *")) {
    const style = getComputedStyle(each);
    const writes = [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (writes && !each.closest("svg") && ratio(style.color, each) < 4.5)
      weak.push([each.outerHTML.slice(0, 80), ratio(style.color, each)]);
    if (each.matches("path.curve") && ratio(style.stroke, each.closest("article")) < 3)
      weak.push([each.outerHTML.slice(0, 80), ratio(style.stroke, each)]);
    if (each.matches(".bar") && ratio(style.backgroundColor, each.parentElement) < 3)
      weak.push([each.outerHTML.slice(0, 80), ratio(style.backgroundColor, each.parentElement)]);
  }
  return weak;
})()
"""
WIDER = """
[...document.querySelectorAll("body *")].filter(each => each.getBoundingClientRect().right > WIDTH + 1
  && !each.closest(".scroll, pre, svg")).map(each => each.outerHTML.slice(0, 80))
"""
CROWDED = """
[...document.querySelectorAll(".axes")].flatMap(axes => [".up", ".across"].flatMap(of => {
  const boxes = [...axes.querySelectorAll(of)].map(each => each.getBoundingClientRect());
  return boxes.slice(1).filter((box, i) => box.left < boxes[i].right && box.right > boxes[i].left
    && box.top < boxes[i].bottom && box.bottom > boxes[i].top).map(box => [axes.outerHTML.slice(0, 80), box.left]);
}))
"""


@pytest.fixture(scope="module")
def files(pages, runs, traced, minus, tmp_path_factory):
    """Return the file of each page: of runs, of runs side by side, of a traced step, and a table in a notebook."""
    folder = tmp_path_factory.mktemp("pages")
    table = cn.table("diabetes")._repr_html_()
    texts = {
        **pages,
        "side by side": compared(Comparison.of(runs)),
        "trace": page_of_trace(traced(cn.Linear(2, 3), minus(), cn.Linear(3, 1)), "a step"),
        "table": f'<!doctype html><meta name="viewport" content="width=device-width"><body>{table}</body>',
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in texts}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["people", "diabetes", "disk", "side by side", "trace", "table"])
def test_a_page_fits_and_can_be_read(browser, files, name, scheme):
    for width in (1200, 390):
        browser.show(files[name], width, scheme)
        assert browser.said == []
        assert browser.run("document.documentElement.scrollWidth") <= width
        assert browser.run(WIDER.replace("WIDTH", str(width))) == []
        assert browser.run(CROWDED) == []
    assert browser.run(CONTRAST) == []


def test_the_schemes_differ(browser, files):
    grounds = []
    for scheme in ("light", "dark"):
        browser.show(files["people"], 1200, scheme)
        grounds.append(browser.run("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(252, 252, 251)", "rgb(22, 24, 26)"]


def test_markup_of_a_table_is_shown_and_not_run(browser, files):
    browser.show(files["people"], 390, "light")
    assert browser.run("document.querySelectorAll('script, img').length") == 0
    assert "<script>alert(1)</script>" in browser.run("document.body.innerText")
    assert browser.run("document.querySelectorAll('table.counts td.right').length") == 2


def test_a_step_is_shown_whole(browser, files):
    browser.show(files["trace"], 1200, "light")
    assert browser.run("document.querySelectorAll('article').length") == 8  # three layers twice, the norms, the step
    assert browser.run("document.querySelectorAll('svg').length") == files["trace"].read_text("utf-8").count("<svg")
    assert browser.run("document.querySelectorAll('article.faulty').length") == 1
    assert "Minus(<script>alert('x')</script>)" in browser.run("document.body.innerText")


def test_a_text_that_cannot_be_read_and_a_box_that_is_too_wide_are_seen(browser, tmp_path):
    path = tmp_path / "bad.html"
    path.write_text(
        "<meta name='viewport' content='width=device-width'>"
        "<body style='background:#888'><p style='color:#777'>pale</p>"
        "<div style='width:600px'>wide</div><script>nothing()</script>"
    )
    browser.show(path, 390, "light")
    assert len(browser.said) == 1
    assert len(browser.run(WIDER.replace("WIDTH", "390"))) == 1
    assert browser.run("document.documentElement.scrollWidth") > 390
    assert "pale" in str(browser.run(CONTRAST))
