"""The notebooks as they are committed; `make notebooks` runs them."""
