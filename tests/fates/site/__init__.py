"""The site: its pages, and the places in which they put what they build."""
