"""The page: all pictures of a journal as one HTML document, with its JavaScript and CSS.

The top layer of `render/`: may import the others and `model/`.
"""
