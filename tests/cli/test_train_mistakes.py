"""``corenet train`` on what cannot be trained: each one line, exit code 2, and nothing half-written."""

import subprocess
import sys

import pytest

pytest.importorskip("polars")

GOOD = "a,b,y\n" + "".join(f"{n},{n * 7 % 11}.5,{'yes' if n % 2 else 'no'}\n" for n in range(1, 40))
TABLES = {  # what is in the file, and what is said of it
    "missing": (None, "there is no file t.csv; give a path, or a name such as iris, wine, breast_cancer"),
    "empty": ("", "t.csv is empty; a table has a header and rows"),
    "of one column": ("y\nyes\nno\nyes\n", "t.csv has one column, 'y'"),
    "of one row": ("a,y\n1,yes\n", "t.csv has one row"),
    "of no row": ("a,y\n", "t.csv has no row; a table has at least two"),
    "binary": (b"\x00\x01\x02" * 99, "t.csv is binary"),
    "without header": ("1.5,2.5,0\n2.5,1.5,1\n3.5,2.5,0\n", "t.csv has no header"),
    "with two headers": (GOOD.replace("\n", "\na,b,y\n", 1), "t.csv, row 1, column 'a' is 'a', all below are numbers"),
    "constant target": (GOOD.replace("yes", "no"), "column 'y' is the target and is 'no' in every row"),
    "class of one row": (GOOD + "1,2,maybe\n", "t.csv, row 40, column 'y' is the only one of the class 'maybe'"),
    "target with gaps": (GOOD + "1,2,\n", "t.csv, row 40, column 'y' is the target and is missing"),
    "ragged": (GOOD + "1,2,3,4\n", "t.csv, row 40 has 4 cells, the header 3"),
    "dates": (
        GOOD.replace("a,b", "d,b").replace("\n1,", "\n2024-01-01,").replace("\n2,", "\n2024-01-02,"),
        "t.csv, row 1",
    ),
    "names": ("n,y\n" + "".join(f"name{n},{n % 2}\n" for n in range(99)), "99 different words"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_cannot_be_learnt_from(call, tmp_path, name):
    content, message = TABLES[name]
    if content is not None:
        (tmp_path / "t.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    code, stdout, stderr = call("train", "t.csv", "--target", "y")
    assert (code, stdout, stderr.count("\n")) == (2, "", 1)
    assert message in stderr
    assert not (tmp_path / "runs").exists()


def test_advice_names_the_option(call, tmp_path):
    (tmp_path / "t.csv").write_text(TABLES["names"][0])
    assert call("train", "t.csv", "--target", "y").stderr.endswith("(here: --set data.columns.NAME=drop)\n")
    assert call("train", "t.csv").stderr.endswith("say --target 'y'\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "z"], "t.csv has no column 'z'"),
        (["--hidden", "64;64"], "'64;64' is no list of widths such as 64,64"),
        (["--epochs", "0"], "'--epochs'"),
        (["--set", "optimizer.lr=fast"], "lr must be a finite number, not 'fast'"),
        (["--set", "optimiser.lr=1"], "unknown entry 'optimiser' (did you mean 'optimizer'?)"),
        (["--set", "optimizer.rate=1"], "adam: "),
        (["--set", "network.activation=rely"], "no module 'rely' (did you mean 'relu'?)"),
        (["--set", "metrics=['f2']"], "no metric 'f2'"),
        (["--set", "lr"], "--set lr: say the entry and its value"),
        (["--set", "optimizer.lr=1e30"], "not finite"),
        (["--out", "t.csv/run"], "cannot make the folder t.csv/run: Not a directory; choose another by --out"),
        (["--out", "t.csv"], "t.csv is there and is no folder of a run"),
    ],
)
def test_what_is_asked_and_cannot_be(call, tmp_path, options, message):
    (tmp_path / "t.csv").write_text(GOOD)
    code, _, stderr = call("train", "t.csv", "--target", "y", "--quiet", *options)
    assert (code, stderr.count("\n")) == (2, 1), stderr
    assert message in stderr
    assert not list(tmp_path.glob("runs/*"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data = ", "bad.toml: not a TOML file"),
        ("data = 'iris'\nepoch = 3\n", "bad.toml:2: unknown entry 'epoch' (did you mean 'epochs'?)"),
        ("data = { source = 'iris', valid = 2 }\n", "bad.toml:1: data.valid must be a fraction"),
    ],
)
def test_a_file_that_says_nonsense(call, tmp_path, text, message):
    (tmp_path / "bad.toml").write_text(text)
    code, stdout, stderr = call("train", "bad.toml")
    assert (code, stdout, stderr.count("\n")) == (2, "", 1)
    assert message in stderr


LIMITED = (
    "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); from corenet.cli import main; "
)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit to set")
def test_a_disk_that_fills_leaves_nothing(tmp_path):
    code = f"{LIMITED} main(['train', 'moons', '--epochs', '2', '--quiet'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert done.stderr.startswith("corenet: cannot write runs/moons-1/")
    assert list(tmp_path.glob("runs/*")) == []


def test_many_columns_are_no_mistake(call, tmp_path):
    names = [f"x{n}" for n in range(4_000)]
    rows = [",".join([str(n * k % 101) for k in range(4_000)] + [str(n % 2)]) for n in range(30)]
    (tmp_path / "wide.csv").write_text("\n".join([",".join([*names, "y"]), *rows]))
    code, stdout, stderr = call("train", "wide.csv", "--target", "y", "--epochs", 1)
    assert code == 0, stderr
    assert "more columns" in stdout
