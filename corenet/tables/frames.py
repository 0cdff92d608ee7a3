"""Frames, dicts of columns and arrays, as one polars frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from corenet.errors import ConfigError, DataError, OutputError
from corenet.tables.reader import pl
from corenet.tables.spelling import quoted


def frame_of(source: Any, header: Sequence[str] | None = None) -> pl.DataFrame:
    """Return what is in memory as a frame: a polars, pandas or Arrow table, a dict of columns, or an array.

    Raises:
        ConfigError: it is none of these.
        DataError: its columns differ in length, or an array has more than two dimensions.

    >>> frame_of({"age": [31, None], "city": ["Bonn", "Ulm"]}).shape
    (2, 2)
    """
    library = type(source).__module__.partition(".")[0]
    if isinstance(source, pl.LazyFrame):
        return source.collect()
    if isinstance(source, pl.DataFrame):
        return source
    if library == "pandas":
        return _of_pandas(source)
    if library == "pyarrow":
        frame = pl.from_arrow(source)
        return frame if isinstance(frame, pl.DataFrame) else frame.to_frame()
    if isinstance(source, Mapping):
        return of_columns({str(name): values for name, values in source.items()})
    if isinstance(source, np.ndarray | Tensor):
        return of_columns(_named(source, header))
    raise ConfigError(
        f"a table is a path, a frame, a dict of columns, an array or a name, not {type(source).__name__}", name="source"
    )


def file_frame(path: Path, header: Sequence[str] | None) -> pl.DataFrame:
    """Return a ``.parquet``, ``.arrow``, ``.feather``, ``.npz`` or ``.npy`` file as a frame.

    Raises:
        DataError: the file is none of its kind.
        OutputError: the file cannot be read.
    """
    with of_its_kind(path):
        return frame_of(_of_numpy(path), header) if path.suffix.lower() in NUMPY else columnar(path).collect()


@contextmanager
def of_its_kind(path: Path) -> Iterator[None]:
    """Let what is raised meanwhile about a file name it.

    Raises:
        DataError: the file is none of its kind.
        OutputError: the file cannot be read.
    """
    try:
        yield
    except (pl.exceptions.PolarsError, ValueError, EOFError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} is no {path.suffix} file that can be read: {str(error).splitlines()[0]}") from error
    except OSError as error:
        raise OutputError(f"cannot read {path}: {error.strerror or error}") from error


NUMPY = (".npz", ".npy")
COLUMNAR = (".parquet", ".pq", ".arrow", ".feather", ".ipc")


def columnar(path: Path) -> pl.LazyFrame:
    """Return a Parquet or Arrow file, not read yet."""
    return pl.scan_parquet(path) if path.suffix.lower() in (".parquet", ".pq") else pl.scan_ipc(path)


def of_columns(columns: Mapping[str, Any]) -> pl.DataFrame:
    """Return a frame of named columns: arrays, tensors, series or lists; one of two dimensions is several columns.

    Raises:
        DataError: they differ in length.
    """
    series = [
        _series(each, part) for name, values in columns.items() for each, part in _parts(str(name), values).items()
    ]
    lengths = {each.name: len(each) for each in series}
    if len(set(lengths.values())) > 1:
        raise DataError(f"the columns differ in length: {', '.join(f'{n} {length}' for n, length in lengths.items())}")
    return pl.DataFrame(series)


def _parts(name: str, values: Any) -> dict[str, Any]:
    array = _array(values) if isinstance(values, np.ndarray | Tensor) else None
    if array is None and not isinstance(values, Iterable):
        raise DataError(f"{quoted(name)} is {values!r:.80}, and a column is a list of cells")
    if array is None or array.ndim == 1:
        return {name: values if array is None else array}
    if array.ndim == 2:
        return {f"{name}{place}": column for place, column in enumerate(array.T)}
    raise DataError(
        f"{quoted(name)} has shape {array.shape}, a table is of one row a point; use cn.data.Dataset for the others"
    )


def _named(source: Any, header: Sequence[str] | None) -> dict[str, Any]:
    """Return the columns of an array as ``x0``, ``x1`` …, or by the names given."""
    array = _array(source)
    if array.dtype.names:
        return {name: array[name] for name in array.dtype.names}
    if array.ndim == 0:
        raise DataError("a table is of one row a point, and this is a single number")
    if header is None or array.ndim != 2:
        return {"x": array if array.ndim > 1 else array[:, None]}
    if len(header) != array.shape[1]:
        raise ConfigError(f"header has {len(header)} names, the array {array.shape[1]} columns", name="header")
    return dict(zip(map(str, header), array.T, strict=True))


def _series(name: str, values: Any) -> pl.Series:
    """Return one column: numbers and truth values as they are, all else as text."""
    if isinstance(values, pl.Series):
        return values.alias(name)
    if type(values).__module__.partition(".")[0] == "pandas":
        return _of_pandas_series(name, values)
    if isinstance(values, np.ndarray) and values.dtype.kind in "iufb":
        return pl.Series(name, np.ascontiguousarray(_as_native(values)))
    cells = values.tolist() if isinstance(values, np.ndarray) else list(values)
    if all(cell is None or (isinstance(cell, int | float) and not isinstance(cell, bool)) for cell in cells):
        return pl.Series(name, [None if cell is None else float(cell) for cell in cells], dtype=pl.Float64)
    return pl.Series(name, [None if cell is None else _word(cell) for cell in cells], dtype=pl.String)


def _word(cell: Any) -> str:
    whole = isinstance(cell, float | np.floating) and float(cell).is_integer()
    return str(int(cell)) if whole else str(cell)


def _as_native(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an array in the machine's own order of bytes, half precision as single: polars takes no others."""
    native: np.ndarray[Any, Any] = values.astype(values.dtype.newbyteorder("="))
    return native.astype(np.float32) if native.dtype == np.float16 else native


def _array(values: Any) -> np.ndarray[Any, Any]:
    if isinstance(values, Tensor):
        if values.layout != torch.strided or values.is_meta:
            raise DataError(f"a table is no tensor of {values.layout} on {values.device}")
        values = values.detach().cpu()
        values = (values.float() if values.is_floating_point() and values.dtype.itemsize < 4 else values).numpy()
    array: np.ndarray[Any, Any] = values
    return array


def _of_numpy(path: Path) -> Any:
    content = np.load(path, allow_pickle=False)
    return content if isinstance(content, np.ndarray) else dict(content)


def _of_pandas(source: Any) -> pl.DataFrame:
    if not hasattr(source, "columns"):
        return _of_pandas_series(str(source.name or "x"), source).to_frame()
    names = [str(name) for name in source.columns]
    if len(set(names)) < len(names):
        raise DataError("the frame has two columns of one name; give each a name of its own")
    return pl.DataFrame([_of_pandas_series(name, source.iloc[:, place]) for place, name in enumerate(names)])


def _of_pandas_series(name: str, values: Any) -> pl.Series:
    """Return a pandas column, by NumPy where it is of numbers: polars' own way needs pyarrow."""
    gaps, kind = values.isna().to_numpy(), getattr(values.dtype, "kind", "O")
    if kind in "iuf":
        numbers = values.to_numpy(dtype=float, na_value=np.nan) if gaps.any() else values.to_numpy()
        return _series(name, np.asarray(numbers))
    if kind == "M":
        values = values.astype(str)
    cells = values.astype(object).tolist()
    return _series(name, [None if gap else cell for cell, gap in zip(cells, gaps, strict=True)])
