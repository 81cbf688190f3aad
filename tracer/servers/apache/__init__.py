"""Apache in each of its ways to run Django: found on this machine, configured and started.

May import the other files of `servers/`.
"""
