"""Which files of a folder are the submissions of whom."""

import pytest

from corenet.errors import DataError
from corenet.grading.classroom.submissions import LARGEST, submissions_in


def write(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x = 1\n", encoding="utf-8")


def test_files_and_folders_are_submissions_by_name(tmp_path):
    write(tmp_path, "carol.py", "alice/homework.py", "bob/a.py", "bob/b.py", "notes.txt", ".hidden.py", "_x/y.py")
    (tmp_path / "dave").mkdir()
    found = submissions_in(tmp_path)
    assert [(each.student, each.file, each.fault) for each in found] == [
        ("alice", "homework.py", ""),
        ("bob", "bob", "has 2 .py files: a.py, b.py"),
        ("carol", "carol.py", ""),
        ("dave", "dave", "has no .py file"),
    ]


def test_a_file_and_a_folder_of_one_name_are_two(tmp_path):
    write(tmp_path, "alice.py", "alice/a.py")
    assert [each.student for each in submissions_in(tmp_path)] == ["alice", "alice.py"]


def test_a_link_is_not_followed_and_a_huge_file_not_read(tmp_path):
    write(tmp_path, "class/bob.py", "elsewhere.py")
    (tmp_path / "class" / "alice.py").symlink_to(tmp_path / "elsewhere.py")
    (tmp_path / "class" / "bob.py").write_bytes(b"#" * (LARGEST + 1))
    faults = {each.student: each.fault for each in submissions_in(tmp_path / "class")}
    assert faults == {"alice": "is a link or no file", "bob": "has more than 1048576 bytes"}


@pytest.mark.parametrize("name", ["empty", "missing", "file.txt"])
def test_a_folder_without_any_is_refused(tmp_path, name):
    (tmp_path / "empty").mkdir()
    write(tmp_path, "file.txt")
    with pytest.raises(DataError, match=rf"^no submissions in .*{name}: .+"):
        submissions_in(tmp_path / name)
