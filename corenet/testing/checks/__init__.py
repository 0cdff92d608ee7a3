"""The checks of the conformance kit: what a component of each kind promises."""
