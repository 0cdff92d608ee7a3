"""The files that new-plugin writes."""
