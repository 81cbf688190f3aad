"""Real servers that tests start for themselves: a PostgreSQL cluster and a Redis, on sockets of
their own, in directories that go with them."""
