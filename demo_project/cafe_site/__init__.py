"""The site: settings, URLs and the entry points for servers."""
