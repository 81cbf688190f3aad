"""Starting servers, stopping them, and what they do with an application."""
