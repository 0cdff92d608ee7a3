"""All there is to know of one component."""
