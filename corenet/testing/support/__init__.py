"""What the checks share: trials, comparisons, trajectories."""
