"""Recorded kernels as one C function: written out for the shapes at hand, compiled by the machine's own compiler."""
