"""Tests of what is concluded from facts: scopes and the tree of processes."""
