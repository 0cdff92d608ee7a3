"""The functions of the corpus: each with a right backward, and with faults modelled on public reports."""
