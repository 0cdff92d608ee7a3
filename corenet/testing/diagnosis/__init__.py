"""What a wrong gradient likely means, and the line that computes it."""
