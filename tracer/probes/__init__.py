"""Where Django is watched: one file per stage of the lifecycle, each reversible."""
