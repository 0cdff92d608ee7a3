"""Where the trials of a search are kept: a journal file, or a database by URL."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, SQLAlchemyError

from corenet.errors import CorenetError, MissingExtraError, OutputError
from corenet.search.journal import Journal

CONNECT = 10  # seconds for a server to answer
DRIVERS = {
    "postgresql": 'pip install "corenet[postgresql]"',
    "mysql": "pip install mysqlclient, or pymysql for mysql+pymysql://…",
    "mariadb": "pip install mysqlclient, or pymysql for mariadb+pymysql://…",
}
FAILURES = (StorageInternalError, SQLAlchemyError, OutputError)  # of a storage in the course of a search
TIMES = 10  # several that make the tables of an empty database at the same time hinder each other


def opened(storage: str) -> BaseStorage:
    """Return a storage: a database where there is ``://`` in the name, else a journal file.

    Raises:
        MissingExtraError: the driver of the database is not installed.
        OutputError: it cannot be reached, or is another thing.
    """
    if "://" not in storage:
        with reached(storage, "open"):
            return JournalStorage(Journal(storage))
    try:
        kind = sqlalchemy.make_url(storage).get_backend_name()
    except (ArgumentError, ValueError) as error:
        raise OutputError(f"cannot open the storage: it is no URL of a database: {error}") from error
    with reached(storage, "open"):
        return _database(storage, kind)


def refuse_without_folder(storage: str) -> None:
    """Refuse a storage in a folder that is not there: a share that is not mounted would be a search of its own.

    Raises:
        OutputError: so it is, or the name is empty.

    >>> refuse_without_folder("journal.log")
    >>> refuse_without_folder("no/such/folder/journal.log")
    Traceback (most recent call last):
    corenet.errors.OutputError: cannot open the storage no/such/folder/journal.log: there is no folder no/such/folder
    """
    if not storage.strip():
        raise OutputError("cannot open the storage: its name is empty; give a file or a URL, or leave --storage out")
    scheme, is_url, rest = storage.partition("://")
    if not is_url or scheme.startswith("sqlite"):
        folder = Path(rest.partition("?")[0].removeprefix("/") if is_url else storage).parent
        if not folder.is_dir():
            raise OutputError(f"cannot open the storage {storage}: there is no folder {folder}")


def shown(storage: str) -> str:
    """Return the name of a storage without its password."""
    return sqlalchemy.make_url(storage).render_as_string(hide_password=True) if "://" in storage else storage


@contextmanager
def reached(storage: str, doing: str = "use") -> Iterator[None]:
    """Let whatever a storage has against it be one error, in a line that says what to do.

    Raises:
        OutputError: the storage failed.
    """
    try:
        yield
    except (StorageInternalError, SQLAlchemyError) as error:
        said = error.__cause__ if isinstance(error, StorageInternalError) and error.__cause__ else error
        raise _failed(storage, doing, getattr(said, "orig", None) or said) from error
    except (AssertionError, RuntimeError, KeyError) as error:
        if isinstance(error, CorenetError) or not _is_of_optuna(error):
            raise
        raise _failed(storage, doing, error) from error


def _failed(storage: str, doing: str, error: BaseException) -> OutputError:
    said = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, AssertionError | KeyError):
        said = "it is of another version of Optuna"
    return OutputError(f"cannot {doing} the storage {shown(storage)}: {said:.300}; the same command goes on")


def _is_of_optuna(error: BaseException) -> bool:
    """Tell whether an error was raised by the code of a storage, and not by what is tried."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and "optuna.storages" in str(trace.tb_frame.f_globals.get("__name__"))


def _database(storage: str, kind: str) -> RDBStorage:
    for tried in range(TIMES):
        try:
            return RDBStorage(storage, engine_kwargs=_settings(kind))
        except (ImportError, NoSuchModuleError) as error:
            advice = DRIVERS.get(kind, "install the driver that SQLAlchemy names for it")
            raise MissingExtraError(f"cannot open the storage {shown(storage)}: it needs a driver; {advice}") from error
        except (OperationalError, StorageInternalError):
            raise
        except SQLAlchemyError:
            if tried == TIMES - 1:
                raise
            time.sleep(random.uniform(0.05, 0.3))  # noqa: S311 - so that those who met do not meet again
    raise AssertionError


def _settings(kind: str) -> dict[str, object]:
    """Return what is asked of the engine: a connection that is alive, and no waiting for a server that is not there."""
    if kind == "sqlite":
        return {"connect_args": {"timeout": 60}}
    waits = {"connect_timeout": CONNECT} if kind in DRIVERS else {}
    return {"pool_pre_ping": True, "connect_args": waits}
