"""Database servers of the test run: a PostgreSQL cluster and a Redis, in their own directories."""
