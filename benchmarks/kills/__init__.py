"""Trainings killed at random moments: what is in their folders then, and whether they go on bit for bit."""
