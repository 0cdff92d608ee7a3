"""What is asked of a column before it is decided what it is: of one in memory, or one that went by block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from corenet.tables.targets import ClassTarget


class Cell(NamedTuple):
    """A cell: the place of its row among all rows, how messages name it, and its word."""

    row: int
    where: str
    word: str


class Looked(Protocol):
    """A column that was looked at. What is said of words may be of as many as are kept, see :attr:`distinct`."""

    name: str

    def __len__(self) -> int:
        """How many cells it has."""
        ...

    @property
    def source(self) -> str:
        """Where it is from, in words."""
        ...

    @property
    def gap_count(self) -> int:
        """How many cells are missing."""
        ...

    @property
    def first_gap(self) -> Cell | None:
        """The first that is."""
        ...

    @property
    def first_present(self) -> Cell | None:
        """The first that is not."""
        ...

    @property
    def odd_count(self) -> int:
        """How many cells are there and are no numbers."""
        ...

    @property
    def first_odd(self) -> Cell | None:
        """The first of them."""
        ...

    @property
    def distinct(self) -> list[str]:
        """The different words in it, in order; of very many the first that came."""
        ...

    @property
    def different(self) -> str:
        """How many different words it has, in words."""
        ...

    @property
    def has_fractions(self) -> bool:
        """Whether a number in it is not whole."""
        ...

    @property
    def number_count(self) -> int:
        """How many different numbers it has; of very many those that are kept."""
        ...

    @property
    def counts_rows(self) -> bool:
        """Whether it is 0, 1, 2 … or 1, 2, 3 … down the rows."""
        ...

    def span(self) -> tuple[float, float]:
        """Return its least and its largest number.

        Raises:
            DataError: a cell is no number, or infinite.
        """
        ...

    def counts(self, classes: ClassTarget) -> list[int]:
        """Return how many rows each of these classes has."""
        ...

    def first_of(self, classes: ClassTarget, place: int) -> str:
        """Return how messages name the first cell of a class."""
        ...
