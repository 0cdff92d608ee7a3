"""How well a class is graded: mutants of the textbook layers, right solutions that look otherwise, and the time."""
