"""What the HTML pages share: how their templates are read, their style, and their drawings."""
