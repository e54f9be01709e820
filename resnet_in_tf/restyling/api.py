"""What a program gets as resnet_in_tf.restyle, resnet_in_tf.Stylizer and resnet_in_tf.styles."""

from resnet_in_tf.restyling.stylizer import Stylizer

__all__ = ['Stylizer', 'restyle', 'styles']


def restyle(photo, style=None, strength=1.0, style_image=(), preserve_color=False, model=None,
            max_memory=None, exact=False, engine='auto', precision='float32', brush=None, match_color=None,
            mask=None, elsewhere=None):
    """Restyles one photo; for several, `Stylizer` opens the network once.

    Args:
        model, engine, precision: as in `Stylizer`.
        photo, style, strength, style_image, preserve_color, max_memory, exact, brush, match_color, mask,
            elsewhere: as in `Stylizer.restyle`.

    Returns:
        PIL image, as `Stylizer.restyle` gives it.

    Raises:
        errors.UserError: what is given cannot be used, in one line that names it.
    """
    with Stylizer(model, engine=engine, precision=precision) as stylizer:
        return stylizer.restyle(photo, style, strength, style_image, preserve_color, max_memory, exact, brush,
                                match_color, mask, elsewhere)


def styles(model=None, engine='auto'):
    """Names of the styles of a network, in the order of their numbers: list of str.

    Args:
        model, engine: as in `Stylizer`.

    Raises:
        errors.UserError: it is no network.
    """
    with Stylizer(model, engine=engine) as stylizer:
        return stylizer.styles
