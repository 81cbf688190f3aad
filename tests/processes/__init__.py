"""The life of processes, under a real server: they come, inherit, are recycled and are killed."""
