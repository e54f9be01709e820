"""Pictures in bands of rows, so that little is held on the way from one form to another."""

BAND = 64  # rows


def bands(height):
    """The rows of a picture, some at a time: slices, in order."""
    return [slice(start, start + BAND) for start in range(0, height, BAND)]
