"""The HTML page: all pictures of a journal in one document, with its JavaScript and CSS.

The top layer of `render/`: may import the others and `model/`.
"""
