"""A Python process of its own, with the path of its parent and arguments."""

import subprocess
import sys

from corenet.registry.doctor.child_process import describe_exit, start_child


def test_it_sees_our_path_and_gets_its_arguments(tmp_path, monkeypatch):
    (tmp_path / "child_code.py").write_text("def run_in_child(word): print(word)", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    with start_child("child_code", {"word": "héllo"}, subprocess.PIPE) as child:
        assert child.stdout.read() == "héllo\n"
    assert child.returncode == 0


def test_it_imports_nothing_from_where_it_is_started(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise AssertionError", encoding="utf-8")
    (tmp_path / "child_code.py").write_text("def run_in_child(): pass", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    with start_child("child_code", {}, subprocess.DEVNULL) as child:
        pass
    assert child.returncode == 0


def test_an_ending_is_told_by_its_code():
    assert describe_exit(-11) == "crashed Python: Segmentation fault"
    assert describe_exit(0) == "ended Python with exit code 0"
