"""One file for each question: ``run(seconds, device) -> Report``."""
