"""What a request may ask for: names, ranges and words of each parameter, in one table."""

import collections

from resnet_in_tf.errors import UserError
from resnet_in_tf.restyling.stylizer import LONGEST_MIX, shown
from resnet_in_tf.server import problems

Parameter = collections.namedtuple('Parameter', 'default schema parse description')

Order = collections.namedtuple('Order', 'style_weights preserve_color size quality format')

LONGEST = LONGEST_MIX  # characters of a parameter

FORMATS = {'jpeg': 'image/jpeg', 'png': 'image/png'}


def between(type_, low, high):
    """A parser of numbers within a range."""
    def parse(text):
        value = type_(text)
        if not low <= value <= high:
            raise ValueError
        return value
    return parse


def one_of(table):
    """A parser of the keys of `table`, in any case, to its values."""
    return lambda text: table[text.lower()]


BOOLEANS = {'true': True, '1': True, 'on': True, 'yes': True,
            'false': False, '0': False, 'off': False, 'no': False}

PARAMETERS = collections.OrderedDict([
    ('style', Parameter('1', {'type': 'string', 'example': 'wave:0.7,udnie:0.3'}, str,
                        'a name or number of /v1/styles, or a mix: wave:0.7,udnie:0.3')),
    ('strength', Parameter('1', {'type': 'number', 'minimum': 0, 'maximum': 1},
                           between(float, 0, 1), 'a number from 0, the photo, to 1, the style')),
    ('preserve_color', Parameter('false', {'type': 'boolean'}, one_of(BOOLEANS),
                                 "true or false: whether the photo's colours are kept")),
    ('size', Parameter('', {'type': 'integer', 'minimum': 16, 'maximum': 65500},
                       lambda text: between(int, 16, 65500)(text) if text else None,
                       'the long side of the result in pixels, from 16 up; the photo is made '
                       'smaller, never larger. Left out: the size of the photo, or the largest '
                       'that this server makes')),
    ('quality', Parameter('92', {'type': 'integer', 'minimum': 1, 'maximum': 100},
                          between(int, 1, 100), 'of JPEG, a whole number from 1 to 100')),
    ('format', Parameter('jpeg', {'type': 'string', 'enum': sorted(FORMATS)},
                         one_of({'jpeg': 'jpeg', 'jpg': 'jpeg', 'png': 'png'}), 'jpeg or png')),
])


def text_of(part):
    """The text of a form's field.

    Args:
        part: forms.Part.

    Returns:
        str.

    Raises:
        problems.Problem: far too long, or not UTF-8.
    """
    if len(part.data) > 4 * LONGEST:  # bytes of a letter
        raise too_long(part.name, len(part.data))
    try:
        return part.data.decode('utf-8')
    except ValueError:
        raise problems.parameter('%s: its value is not UTF-8' % shown(part.name)) from None


def too_long(name, length):
    """The problem of a value that is too long."""
    return problems.parameter('%s: %d characters are too many; at most %d' % (shown(name), length, LONGEST))


def read(given, stylizer):
    """Turns the parameters of a request into an Order.

    Args:
        given: list of (name, text).
        stylizer: Stylizer; knows the styles.

    Returns:
        Order.

    Raises:
        problems.Problem: unknown, given twice, or out of range.
    """
    texts = {}
    for name, text in given:
        if name not in PARAMETERS:
            raise problems.parameter('%s: no such parameter; there are %s'
                                     % (shown(name), ', '.join(PARAMETERS)))
        if name in texts:
            raise problems.parameter('%s: given twice; give it once' % name)
        if len(text) > LONGEST:
            raise too_long(name, len(text))
        texts[name] = text.strip()
    values = {}
    for name, known in PARAMETERS.items():
        text = texts.get(name, known.default)
        try:
            values[name] = known.parse(text)
        except (ValueError, KeyError):
            raise problems.parameter('%s: %r will not do; it is %s'
                                     % (name, shown(text), known.description)) from None
    try:
        weights = stylizer.style_weights(values.pop('style'), values.pop('strength'))
    except UserError as error:
        raise problems.parameter(str(error).replace('--style', 'style', 1)) from None
    return Order(weights, **values)
