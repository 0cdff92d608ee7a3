"""A Python of its own, with our path and our orders."""

import subprocess
import sys

from corenet.registry.doctor.child_process import ending_of, start


def test_it_sees_our_path_and_gets_its_orders(tmp_path, monkeypatch):
    (tmp_path / "obedient.py").write_text("def follow(word): print(word)", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    with start("obedient", {"word": "héllo"}, subprocess.PIPE) as child:
        assert child.stdout.read() == "héllo\n"
    assert child.returncode == 0


def test_it_imports_nothing_from_where_it_is_started(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise AssertionError", encoding="utf-8")
    (tmp_path / "obedient.py").write_text("def follow(): pass", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    with start("obedient", {}, subprocess.DEVNULL) as child:
        pass
    assert child.returncode == 0


def test_an_ending_is_told_by_its_code():
    assert ending_of(-11) == "crashed Python: Segmentation fault"
    assert ending_of(0) == "ended Python with exit code 0"
