"""A person's table that is larger than memory: looked at in one pass, and learnt from through a shuffle buffer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import torch

from corenet.data import Dataset
from corenet.errors import ConfigError
from corenet.integers import positive_integer
from corenet.paths import path_of
from corenet.tables.coding import TableCoding
from corenet.tables.kinds import Decision, Kind
from corenet.tables.reader import pl
from corenet.tables.rows import Rows
from corenet.tables.show import as_html, as_text
from corenet.tables.sources import Reading
from corenet.tables.spelling import MISSING
from corenet.tables.streaming.rows import NUMBERS, Source, TrainingRows
from corenet.tables.streaming.shards import Shard, shards_of
from corenet.tables.streaming.survey import Plan, Survey, survey

Surveyed = tuple[Survey, list[Decision], Decision]
LAST: dict[str, Surveyed] = {}  # the last pass: a report looks at what a training has read


class StreamedTable:
    """A table of which ``train`` is read anew in each epoch; :func:`~corenet.stream_table` makes one.

    ``train`` is a :class:`~corenet.streamed_data.StreamedDataset`; ``valid`` and ``test`` are data sets in memory, or
    None. ``columns``, ``target`` and ``coding`` are those of a :class:`~corenet.tables.table.Table`.
    """

    def __init__(self, plan: Plan, found: Survey, columns: list[Decision], target: Decision, room: int | None) -> None:
        self.source, self.shards, self.columns, self.target = plan.source, plan.shards, columns, target
        coded = [found.column(each.name).coding(each.kind) for each in columns if each.kind != "drop"]
        self.coding = TableCoding(tuple(coded), found.column(target.name).target(target.kind), tuple(plan.how.missing))
        self._rows, self.notes = len(found), (_said(plan.shards),)
        kept = {name: self._encoded(rows) for name, rows in found.kept.items()}
        self.valid, self.test = (_asked(name, kept[name], len(found), plan) for name in ("valid", "test"))
        if not found.train_rows or kept["sample"] is None:
            raise ConfigError(f"split: of {len(found)} rows none is left to train on", name="valid")
        wanted = (*(each.name for each in self.coding.columns), target.name)
        source = Source(found.chunks, replace(found.reader, wanted=wanted), found.division, self.coding)
        room = NUMBERS // self.coding.in_features if room is None else room
        self.train = TrainingRows(source, kept["sample"], found.train_rows, room)

    def _encoded(self, pieces: Sequence[Rows]) -> Dataset | None:
        """Return rows that were kept as a data set, those of one form together: it is quicker."""
        data = []
        for _, alike in groupby(pieces, lambda rows: (rows.source, rows.frame.schema)):
            first, *others = alike
            frame = pl.concat([first.frame, *(each.frame for each in others)])
            data.append(self.coding.encoded(Rows(first.source, frame, first.missing, first.first)))
        if not data:
            return None
        return Dataset(torch.cat([each.inputs for each in data]), torch.cat([each.targets for each in data]))

    def __len__(self) -> int:
        return self._rows

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)


def stream_table(
    source: str | Path,
    target: str | None = None,
    *,
    valid: float = 0.2,
    test: float = 0.2,
    seed: int = 0,
    buffer: int | None = None,
    columns: Mapping[str, Kind] | None = None,
    missing: Sequence[str] = MISSING,
    delimiter: str | None = None,
    encoding: str | None = None,
    header: Sequence[str] | None = None,
) -> StreamedTable:
    """Return a table that is larger than memory, understood in one pass, and read anew in each epoch.

    What is decided is what :func:`~corenet.table` decides. A row's part is chosen by a hash of its number and the seed;
    of a large table, about 65,536 rows are held out to look on and as many to test, whatever larger fractions say.

    Args:
        source: a path of text or of Parquet or Arrow, of a folder of such files, or a pattern such as ``"part-*.csv"``.
        target: the name of the column to predict.
        valid, test: the fractions of the rows to look on and to test.
        seed: chooses the parts.
        buffer: how many rows the shuffle buffer holds; by default what 128 MiB have room for.
        columns, missing, delimiter, encoding, header: as for :func:`~corenet.table`.

    Raises:
        DataError: the source is no table that can be learnt from; the message names file, row, column and fix.
        OutputError: a file cannot be read.
        ConfigError: an option is none that can be.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "sums.csv")
    ...     _ = path.write_text("a,b,sum\\n" + "".join(f"{n % 7},{n % 5},{n % 7 + n % 5}.5\\n" for n in range(1000)))
    ...     table = stream_table(path, "sum")
    ...     rows = [row for block in table.train.blocks(32, seed=0) for row in block.rows.tolist()]
    >>> len(table), len(rows) == len(set(rows)) == len(table.train)
    (1000, True)
    """
    source = path_of("stream_table", source)
    shards = shards_of(source)
    if target is None:
        raise ConfigError(f"which column shall be predicted? say target= the name of one in {source}", name="target")
    if buffer is not None:
        positive_integer("buffer", buffer)
    how = Reading(delimiter, encoding, header, tuple(missing))
    plan = Plan(str(source), shards, how, target, dict(columns or {}), (valid, test, seed))
    return StreamedTable(plan, *_surveyed(plan), buffer)


def _surveyed(plan: Plan) -> Surveyed:
    """Return what a pass over the table finds, or what the last one found if it was over this very table.

    A file of an experiment that has all that was decided in it is of the same table.
    """
    key = _key(plan)
    if key not in LAST:
        found = survey(plan)
        decided = {each.name: each.kind for each in (*found[1], found[2])}
        LAST.clear()
        LAST[key] = LAST[_key(replace(plan, asked=decided))] = found
    return LAST[key]


def _key(plan: Plan) -> str:
    """Return what tells a plan from others, by whatever path its files are named."""
    shards = [replace(each, path=each.path.resolve()) for each in plan.shards]
    return repr((shards, plan.how, plan.target, sorted(plan.asked.items()), plan.parts))


def _asked(name: str, part: Dataset | None, rows: int, plan: Plan) -> Dataset | None:
    """Return a part that is held out, None where none was to be."""
    fraction = plan.parts[("valid", "test").index(name)]
    if part is None and fraction:
        raise ConfigError(
            f"split: {name}={fraction!r} of {rows} rows is no part; give a larger fraction, or 0", name=name, value=rows
        )
    return part


def _said(shards: Sequence[Shard]) -> str:
    """Return in words what is read how."""
    size, files = sum(each.size for each in shards), len(shards)
    amount = f"{size / 1e9:.3g} GB" if size >= 1e9 else f"{size / 1e6:.3g} MB"
    return f"read anew in each epoch, block by block: {amount} in {files:,} file{'s' * (files > 1)}"
