"""What the checks share: trials, comparisons, trajectories, and the violations that they raise."""
