"""What a notebook shows of a value, in HTML that is read on a light page and on a dark one."""
