"""What many ranks would take for a step, by what few were measured to take."""
