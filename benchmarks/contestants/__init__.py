"""One file for each contestant: a class ``Contestant(problem)`` with ``train(epochs)`` and ``weights()``."""
