"""Recurrent networks: a layer for each kind, and what stacks them."""
