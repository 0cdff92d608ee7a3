"""Random trainings by every engine, beside the plain one: whatever a step reads in Python, it must train the same."""
