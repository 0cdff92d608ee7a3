"""From a person's table to a data set, and from a model's outputs back to the words of the table."""
