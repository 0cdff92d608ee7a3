"""Hostile model files: whatever a file says, it is loaded or refused in one line, in the memory that it takes itself."""
