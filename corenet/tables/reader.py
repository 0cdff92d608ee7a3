"""polars, which reads tables: an extra, imported by whatever touches one."""

from __future__ import annotations

from corenet.errors import MissingExtraError

try:
    import polars as pl
except ImportError as error:
    raise MissingExtraError("tables are read by polars; run: pip install 'corenet[table]'") from error

__all__ = ["pl"]
