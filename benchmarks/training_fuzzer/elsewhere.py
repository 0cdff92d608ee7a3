"""What modules of the fuzzer import while they run."""

FACTOR = 1.0


def elsewhere(module):
    return module.FACTOR
