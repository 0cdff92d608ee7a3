"""What the system itself refuses to a process with namespaces of its own, the guard aside."""

import pytest


def test_there_is_no_network(behind_walls):
    code = "import socket\ns = socket.socket()\ns.settimeout(2)\ns.connect(('127.0.0.1', 22))"
    assert behind_walls(code)["fault"] == "OSError: [Errno 101] Network is unreachable"


def test_nothing_is_written_but_in_its_folder(behind_walls, tmp_path):
    path = tmp_path / "x"
    assert "Read-only file system" in behind_walls(f"open({str(path)!r}, 'w')")["fault"]
    assert not path.exists()
    assert behind_walls("return open('x', 'w').write('abc')")["value"] == 3


def test_its_folder_holds_64_mebibytes(behind_walls):
    code = "for number in range(5): open(str(number), 'wb').write(bytes(2**24))"
    assert "No space left on device" in behind_walls(code)["fault"]


def test_a_hidden_folder_is_empty(behind_walls, tmp_path):
    (tmp_path / "bob.py").write_text("x")
    code = f"import os\nreturn os.listdir({str(tmp_path)!r})"
    assert behind_walls(code)["value"] == ["bob.py"]
    assert behind_walls(code, hidden=[tmp_path])["value"] == []


def test_a_hidden_folder_that_has_python_in_it_stays(behind_walls):
    import sys

    assert behind_walls("import colorsys, wave\nreturn 1", hidden=[sys.base_prefix])["value"] == 1


def test_it_sees_no_process_of_others(behind_walls):
    assert behind_walls("import os\nreturn os.getpid()")["value"] == 1
    assert "No such process" in behind_walls("import os\nos.kill(2**15 - 7, 0)")["fault"]


@pytest.mark.parametrize("call", ["umount2(b{!r}, 2)", "mount(b'none', b'/', None, 0x1020, None)", "unshare(0x20000)"])
def test_it_cannot_undo_the_walls(behind_walls, tmp_path, call):
    call = call.format(str(tmp_path))
    code = f"import ctypes\nlibrary = ctypes.CDLL(None, use_errno=True)\nreturn [library.{call}, ctypes.get_errno()]"
    assert behind_walls(code, hidden=[tmp_path])["value"] == [-1, 1]
