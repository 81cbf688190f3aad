"""Apache: found on this machine, configured and started, in each of its ways to run Django.

May import the other files of `servers/`, as any server's file may.
"""
