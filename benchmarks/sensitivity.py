"""``python -m benchmarks.sensitivity [EXPERIMENT ...]``: how far small changes of rate and decay change the accuracy.

The student projects' experiments 001a and 001b as they were reported, with their learning rate and its decay multiplied
by factors around 1. Each is trained in several rounds, each with data, weights and batches of its own, so that what is
due to the factors can be told from what is due to chance.
"""

from __future__ import annotations

import argparse
from statistics import stdev

from benchmarks.table import environment, in_markdown
from corenet.experiments import experiment
from corenet.experiments.run import Measured, run

RATES = (0.5, 0.9, 1.0, 1.1, 2.0)
DECAYS = (0.1, 0.5, 1.0, 2.0, 10.0)


def accuracies(name: str, rounds: int) -> dict[tuple[float, float], Measured]:
    """Return the accuracy on fresh points in each round, by the factors of rate and decay."""
    told = experiment(name).recipes["reported"].optimizer
    found = {}
    for decay in DECAYS:
        for rate in RATES:
            changed = [f"optimizer.lr={told['lr'] * rate}", f"optimizer.lr_decay={told['lr_decay'] * decay}"]
            errors = run(experiment(name, changed), "reported", rounds=rounds).test_error
            found[rate, decay] = Measured(tuple(1 - each for each in errors.values))
    return found


def table(found: dict[tuple[float, float], Measured]) -> str:
    """Return the accuracies in per cent, a row for each decay and a column for each rate."""
    rows = [[f"decay × {decay:g}", *(f"{100 * found[rate, decay].mean:.1f}" for rate in RATES)] for decay in DECAYS]
    return in_markdown(["", *(f"rate × {rate:g}" for rate in RATES)], rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sensitivity", description=__doc__.partition(":")[0])
    parser.add_argument("experiments", nargs="*", default=["001a", "001b"])
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    print(environment())
    for name in asked.experiments:
        found = accuracies(name, asked.rounds)
        means = [each.mean for each in found.values()]
        print(f"\n{name}, mean of {asked.rounds} rounds, %\n\n{table(found)}\n")
        print(f"standard deviation over the rounds, as reported: {100 * found[1.0, 1.0].std:.2f}")
        print(f"standard deviation over the factors: {100 * stdev(means):.2f}")


if __name__ == "__main__":
    main()
