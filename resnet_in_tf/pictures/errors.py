"""The words of a refusal: `<path>: <reason>`, one line."""

from resnet_in_tf.errors import UserError


class PictureError(UserError):
    """A picture that cannot be read or written: `<path>: <reason>`, one line."""


def refusal(name, reason):
    """Builds the error for a picture.

    Args:
        name: str, the file as the user knows it.
        reason: str or exception; runs of white space become one blank.

    Returns:
        PictureError, to be raised.
    """
    name = ' '.join(str(name).splitlines())
    return PictureError('{}: {}'.format(name, ' '.join(str(reason).split())))
