"""Hostile model files: whatever a file says, it is loaded or refused in one line, in the memory it takes itself."""
