"""A hand-written gradient against differences."""
