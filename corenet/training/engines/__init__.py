"""Ways to run the plain step faster. None knows a component; each agrees with the plain step."""
