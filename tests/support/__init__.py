"""What several folders of tests share: clients, made-up journals, programs, databases."""
