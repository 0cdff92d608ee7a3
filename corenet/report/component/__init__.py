"""The page of one component: its row, docstring, constructor and conformance."""
