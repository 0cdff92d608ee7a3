"""Attention: the scaled dot product, and many heads of it between linear maps."""
