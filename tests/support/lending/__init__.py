"""A database backend that lends raw connections and takes them back: a pool of nobody's make."""
