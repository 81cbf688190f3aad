"""The command line, one file a command. May import everything; nobody may import it."""
