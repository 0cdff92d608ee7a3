"""The checks of a function, by what they look at."""
