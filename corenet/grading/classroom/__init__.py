"""The submissions of a class: graded apart from each other, counted, and answered one by one."""
