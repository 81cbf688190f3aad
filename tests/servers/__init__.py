"""Servers, real and makeshift: starting them, stopping them, and what they do with an application."""
