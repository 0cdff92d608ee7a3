"""One training shared out among several processes: each takes its rows of every batch."""
