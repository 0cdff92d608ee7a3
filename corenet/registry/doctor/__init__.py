"""The health of installed plugins."""
