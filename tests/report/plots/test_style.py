import sys
from importlib import import_module

import pytest

import corenet as cn
from corenet.report.plots.decision_surface import DecisionSurface
from corenet.report.plots.figures import output_map


def test_without_matplotlib_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(cn.MissingExtraError) as caught:
        output_map(tmp_path / "map.png", DecisionSurface(lambda points: points[:, 0], 0.5, 0.0, 1.0), "a slope")
    assert str(caught.value) == 'figures need matplotlib; run: pip install "corenet[plot]"'
    assert list(tmp_path.iterdir()) == []


def test_matplotlib_is_loaded_only_to_draw(monkeypatch):
    for name in loaded("corenet", "matplotlib"):
        monkeypatch.delitem(sys.modules, name)
    import_module("corenet.report")  # afresh, in milliseconds, since torch stays
    afresh = loaded("corenet", "matplotlib")
    for name in afresh:
        del sys.modules[name]
    assert "corenet.report.plots.style" in afresh
    assert "matplotlib" not in afresh


def loaded(*packages):
    return [name for name in sys.modules if name.partition(".")[0] in packages]
