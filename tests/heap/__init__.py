"""Who holds an object, and which instances there are."""
