"""A small café: each page is a lesson about how long Django's objects live."""
