"""Model files: safe to open, whole or refused, and enough to build again what was saved."""
