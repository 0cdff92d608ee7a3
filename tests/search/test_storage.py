"""Storages that fail: one line that says what is wrong, and the same command goes on once it is mended."""

import sqlite3
import sys
import time

import pytest

pytest.importorskip("optuna")

from sqlalchemy.exc import OperationalError

import corenet as cn
from corenet.search import results, storage
from corenet.search.results import ended
from corenet.search.sweep import sweep


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_a_driver_that_is_missing_is_named(search, monkeypatch, kind):
    for each in ("psycopg", "psycopg2", "MySQLdb"):
        monkeypatch.setitem(sys.modules, each, None)
    with pytest.raises(cn.MissingExtraError) as raised:
        sweep(search(storage=f"{kind}://me:secret@nowhere/searches"))
    advice = {"postgresql": 'pip install "corenet[postgresql]"', "mysql": "pip install mysqlclient"}[kind]
    assert str(raised.value).startswith(
        f"cannot open the storage {kind}://me:***@nowhere/searches: it needs a driver; "
    )
    assert advice in str(raised.value)


def test_a_server_that_is_not_there_is_one_line_without_the_password(worker):
    pytest.importorskip("psycopg")
    started = time.monotonic()
    found = worker("postgresql://me:secret@127.0.0.1:1/searches", 2)
    _, said = found.communicate(timeout=120)
    assert (found.returncode, said.count("\n"), "secret" in said) == (2, 1, False)
    assert said.startswith(
        "corenet: cannot open the storage postgresql://me:***@127.0.0.1:1/searches: connection failed"
    )
    assert time.monotonic() - started < 60


@pytest.mark.parametrize("url", ["postgresql://me@nowhere:port/x", "://"])
def test_what_is_no_url_is_refused(search, url):
    with pytest.raises(cn.OutputError, match="it is no URL of a database"):
        sweep(search(storage=url))


def test_a_table_of_another_version_says_how_to_raise_it(search, tmp_path):
    url = f"sqlite:///{tmp_path / 'searches.db'}"
    sweep(search(1, storage=url))
    with sqlite3.connect(tmp_path / "searches.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 'v2.4.0.a'")
    database.close()
    with pytest.raises(cn.OutputError, match=r"no longer compatible .* optuna storage upgrade"):
        sweep(search(2, storage=url))


def test_a_file_that_is_no_database_is_refused(search, tmp_path):
    (tmp_path / "searches.db").write_text("people,of,a,table\n" * 100, encoding="utf-8")
    with pytest.raises(cn.OutputError, match="file is not a database"):
        sweep(search(1, storage=f"sqlite:///{tmp_path / 'searches.db'}"))


def test_the_password_is_in_no_result(search, monkeypatch):
    asked = search(1)
    sweep(asked)
    study = asked.study()
    object.__setattr__(asked, "storage", "postgresql://me:secret@server/searches")
    assert results.to_dict(asked, study)["storage"] == "postgresql://me:***@server/searches"


def test_an_error_of_what_is_tried_is_left_as_it_is():
    for error in (RuntimeError("mine"), KeyError("mine"), AssertionError("mine")):
        with pytest.raises(type(error), match="mine"), storage.reached("journal.log"):
            raise error
    gone = OperationalError("SELECT", {}, Exception("gone"))
    with pytest.raises(cn.OutputError, match=r"use the storage a\.log: gone; the same"), storage.reached("a.log"):
        raise gone


def test_a_server_that_ends_in_mid_search_is_one_line_and_the_same_command_goes_on(server, search, worker):
    url = server.url("ends")
    asked = search(40, storage=url)
    at_work = worker(url, 40)
    study = asked.study()
    deadline = time.monotonic() + 120
    while len(ended(study)) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    server.stop()
    try:
        _, said = at_work.communicate(timeout=120)
        assert (at_work.returncode, said.count("\n")) == (2, 1)
        assert said.startswith(f"corenet: cannot use the storage {storage.shown(url)}: ")
        assert said.endswith("; the same command goes on\n")
    finally:
        server.start()
    again = worker(url, 40)
    assert again.communicate(timeout=120)[1] == ""
    assert again.returncode == 0
    assert len(ended(asked.study())) == 40


def test_a_database_that_is_read_only_is_one_line(server, search):
    url = server.url("readonly")
    sweep(search(1, storage=url))
    server.say("ALTER DATABASE readonly SET default_transaction_read_only = on")
    with pytest.raises(cn.OutputError, match=r"cannot open the storage .*: .*read-only transaction; the same command"):
        sweep(search(2, storage=url))


def test_many_that_begin_at_the_same_time_on_an_empty_database(server, worker, search):
    url = server.url("empty")
    several = [worker(url, 3) for _ in range(3)]
    assert [each.communicate(timeout=240)[1] for each in several] == [""] * 3
    assert len(ended(search(storage=url).study())) == 3
