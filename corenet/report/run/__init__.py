"""The page of a run, and runs side by side: what came of a training, and whether it can be believed."""
