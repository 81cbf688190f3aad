"""The recorder's parts: classes, server, interpreter."""
