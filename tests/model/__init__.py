"""What is concluded from facts: scopes, and the tree of processes."""
