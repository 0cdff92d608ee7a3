"""Two hosts on one machine, network namespaces apart, and a wire between them that has a rate and a delay."""
