"""Cells as words, however they were given."""

from __future__ import annotations

from collections.abc import Sequence

from corenet.tables.reader import pl


def as_written(text: pl.Series, missing: Sequence[str]) -> pl.Series:
    """Return text as the words that are meant: without blanks around, truth values in small letters, null for a gap."""
    text = text.str.strip_chars()
    lower = text.str.to_lowercase()
    text = lower.zip_with(lower.is_in(["true", "false"]).fill_null(value=False), text)
    return text.set(lower.is_in([each.lower() for each in missing]).fill_null(value=False), None)


def whole_without_point(numbers: pl.Series) -> pl.Series:
    """Return numbers as words: 1.0 is ``"1"``."""
    if not numbers.dtype.is_float():
        return numbers.cast(pl.String)
    numbers = numbers.cast(pl.Float64).fill_nan(None)
    whole = ((numbers == numbers.round()) & (numbers.abs() < 2.0**53)).fill_null(value=False)
    integers = numbers.set(~whole, None).cast(pl.Int64).cast(pl.String)
    return integers.zip_with(whole, numbers.cast(pl.String))
