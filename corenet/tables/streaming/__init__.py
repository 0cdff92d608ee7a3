"""Tables larger than memory: read in shards and chunks, looked at in one pass, learnt from through a shuffle buffer."""
