"""Which rows of a table are for training, which to look on and which to test: by a hash of the row's number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corenet.data import stream
from corenet.errors import ConfigError
from corenet.integers import integer

HELD = 2**16  # rows of the part to look on, and of the part to test: what they tell is known to within 0.2 %
SAMPLE = 2**14  # rows of the training part that are measured


@dataclass(frozen=True)
class Division:
    """The fractions of the rows that are held out, and of those of training that are a sample, as the seed chooses.

    A row's part depends on its number, the fractions and the seed, and on no other row; it is the same in each epoch.
    """

    valid: float
    test: float
    sample: float
    seed: int

    @classmethod
    def of(cls, rows: int, valid: float, test: float, seed: int) -> Division:
        """Return the division of about so many rows: of very many only so many are held out as tell enough.

        Raises:
            ConfigError: a fraction is none, or they leave nothing to train on.

        >>> Division.of(1000, 0.2, 0.1, seed=0)
        Division(valid=0.2, test=0.1, sample=0.7, seed=0)
        >>> Division.of(2**26, 0.2, 0.1, seed=0).valid == 2**-10
        True
        """
        integer("seed", seed)
        for name, fraction in (("valid", valid), ("test", test)):
            if type(fraction) not in (int, float) or not 0 <= fraction < 1:
                text = f"split: {name}={fraction!r} is no part; give a fraction such as 0.2"
                raise ConfigError(text, name=name, value=fraction)
        if valid + test >= 1:
            raise ConfigError(f"split: valid={valid} and test={test} leave nothing to train on", name="valid")
        valid, test = (min(each, HELD / max(rows, 1)) for each in (valid, test))
        return cls(valid, test, round(min(1 - valid - test, SAMPLE / max(rows, 1)), 12), seed)

    def drawn(self, first: int, count: int) -> NDArray[np.float64]:
        """Return a number in [0, 1) for each of ``count`` rows from the row ``first`` on: their hash.

        Reference: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014 (splitmix64).
        """
        with np.errstate(over="ignore"):
            mixed = np.arange(first, first + count, dtype=np.uint64) + np.uint64(stream("table division", self.seed))
            mixed *= np.uint64(0x9E3779B97F4A7C15)
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            mixed ^= mixed >> np.uint64(31)
        found: NDArray[np.float64] = (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return found

    def parts(self, drawn: NDArray[np.float64]) -> dict[str, NDArray[np.bool_]]:
        """Return which rows are of which part, by its name; ``sample`` is some of ``train``."""
        held = self.test + self.valid
        return {
            "train": drawn >= held,
            "valid": (drawn >= self.test) & (drawn < held),
            "test": drawn < self.test,
            "sample": (drawn >= held) & (drawn >= 1 - self.sample),
        }
