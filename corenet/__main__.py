"""``python -m corenet`` is the same as ``corenet``."""

from corenet.cli import main

main()
