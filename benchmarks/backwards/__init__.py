"""A corpus of backwards with one fault each and of right ones, and what several tools say of them."""
