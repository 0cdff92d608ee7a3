"""The checks of the conformance kit: what a module, a loss and an optimizer promise."""
