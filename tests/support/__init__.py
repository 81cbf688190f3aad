"""What several folders of tests use: clients, made-up processes, programs, databases."""
