"""The entry points that a server loads: whatever project the settings name, its application."""
