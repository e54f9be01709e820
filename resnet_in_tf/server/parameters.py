"""What a request may ask for: names, ranges and words of each parameter, in one table."""

import collections

from resnet_in_tf.errors import UserError
from resnet_in_tf.network.interface import IDENTITY
from resnet_in_tf.pictures import brush
from resnet_in_tf.pictures.finishing import parse_match
from resnet_in_tf.restyling.stylizer import LONGEST_MIX, parse_mix, shown
from resnet_in_tf.server import problems

Parameter = collections.namedtuple('Parameter', 'default schema parse description')

Order = collections.namedtuple(
    'Order', 'style_weights regions preserve_color match_color brush size quality format')

LONGEST = LONGEST_MIX  # characters of a parameter
LARGEST_WEIGHT = 1e6  # of a style image

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


def told_by(parse):
    """A parser of what has one of its own, to None where nothing is given."""
    def parsed(text):
        try:
            return parse(text) if text else None
        except UserError:
            raise ValueError from None
    return parsed


BOOLEANS = {'true': True, '1': True, 'on': True, 'yes': True,
            'false': False, '0': False, 'off': False, 'no': False}

PARAMETERS = collections.OrderedDict([
    ('style', Parameter('1', {'type': 'string', 'example': 'wave:0.7,udnie:0.3'}, str,
                        'a name or number of /v1/styles, or a mix: wave:0.7,udnie:0.3')),
    ('style_image_weights', Parameter('', {'type': 'string', 'example': '0.7,0.3'},
                                      lambda text: [between(float, 0, LARGEST_WEIGHT)(number)
                                                    for number in text.split(',')] if text else None,
                                      'a number from 0 up for each style_image, in their order, such as '
                                      '0.7,0.3; they count beside those of style. Left out: 1 for each')),
    ('mask_styles', Parameter('', {'type': 'string', 'example': 'wave;udnie:0.3,3:0.7'}, str,
                              'with several files in mask, a style for each, in their order, with ; between '
                              'them; one that is left out is style')),
    ('elsewhere', Parameter('', {'type': 'string', 'example': 'udnie'}, str,
                            'with a mask, the style of what no mask has, as in style. Left out: the photo '
                            'itself')),
    ('strength', Parameter('1', {'type': 'number', 'minimum': 0, 'maximum': 1},
                           between(float, 0, 1), 'a number from 0, the photo, to 1, the style')),
    ('preserve_color', Parameter('false', {'type': 'boolean'}, one_of(BOOLEANS),
                                 "true or false: whether the photo's colours are kept")),
    ('match_color', Parameter('', {'type': 'string', 'example': 'photo:0.5'}, told_by(parse_match),
                              "photo or painting: the palette that the result's colours are moved to, "
                              'with an amount from 0 to 2 or without: photo:0.5')),
    ('brush', Parameter('', {'type': 'string', 'example': '1.5'}, told_by(brush.parse),
                        'the size of strokes, a number from 0.5, fine, to 2, broad; or fixed:512 for strokes '
                        'as on a photo with a long side of 512 pixels, from 64 to 8192')),
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


def read(given, style_names, style_images=0, masks=0):
    """Turns the parameters of a request into an Order.

    Args:
        given: list of (name, text).
        style_names: list of str; the last is `identity`.
        style_images: int, how many pictures came along as styles.
        masks: int, how many masks did.

    Returns:
        Order; its style_weights are those of style_names, then those of the style images; `regions` are such
        weights of each mask and of the rest, None without masks.

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
    if style_images:  # they are the style, where no other is named
        texts.setdefault('style', '')
    values = {}
    for name, known in PARAMETERS.items():
        text = texts.get(name, known.default)
        try:
            values[name] = known.parse(text)
        except (ValueError, KeyError):
            raise problems.parameter('%s: %r will not do; it is %s'
                                     % (name, shown(text), known.description)) from None
    amounts = values.pop('style_image_weights') or [1.0] * style_images
    if len(amounts) != style_images:
        raise problems.parameter('style_image_weights: %d for %d style images; give one for each, in their '
                                 'order' % (len(amounts), style_images))
    if values['match_color'] and values['preserve_color']:
        raise problems.parameter('match_color: does not go with preserve_color, which keeps every colour of '
                                 'the photo; leave out one of them')
    strength = values.pop('strength')

    def weights(name, mix, amounts):
        try:
            return parse_mix(mix, strength, style_names, amounts,
                             'style_image_weights' if style_images and name == 'style' else None)
        except UserError as error:
            raise problems.parameter(str(error).replace('--style', name, 1)) from None

    style = weights('style', values.pop('style') or ('' if not style_images else None), amounts)
    mixes, elsewhere = values.pop('mask_styles'), values.pop('elsewhere')
    if not masks:
        if mixes or elsewhere:
            raise problems.parameter('%s: is for a request with a file in mask'
                                     % ('mask_styles' if mixes else 'elsewhere'))
        return Order(style, None, **values)
    mixes = [mix.strip() for mix in mixes.split(';')]
    if len(mixes) != masks:
        raise problems.parameter('mask_styles: %d for %d masks; give one for each, with ; between them'
                                 % (len(mixes), masks))
    none = [0.0] * style_images
    regions = [weights('mask_styles', mix, none) if mix else style for mix in mixes]
    return Order(style, regions + [weights('elsewhere', elsewhere or IDENTITY, none)], **values)
