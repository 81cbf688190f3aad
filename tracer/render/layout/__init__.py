"""What goes where in a picture, in which words and colours: rows, bars, columns, a canvas.

The lowest layer of `render/`: may import `model/` only.
"""
