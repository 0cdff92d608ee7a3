"""Code of a stranger's in a process of its own, which can harm nothing outside it."""
