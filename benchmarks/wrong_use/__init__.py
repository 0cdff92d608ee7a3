"""Wrong use of the public surface, generated from its signatures: refused where it happens, nothing half-changed."""
