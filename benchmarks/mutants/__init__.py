"""Mutants of right components: how many of them the conformance kit catches, and whether it names what is wrong."""
