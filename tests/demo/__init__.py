"""The café, its tour, and what make does with them."""
