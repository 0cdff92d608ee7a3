import pytest


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a file in a folder that is the working directory, so that messages name it shortly."""
    monkeypatch.chdir(tmp_path)

    def written(content, name="t.csv", encoding="utf-8"):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return name

    return written
