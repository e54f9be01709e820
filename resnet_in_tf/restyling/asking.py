"""What the flags of stylize.py ask for: the network, the style or styles, and how results look.

`values` is the dict of these flags everywhere here.
"""

import sys

from resnet_in_tf import cli, memory
from resnet_in_tf.errors import UserError

LOSSES = ('content_weight', 'style_weight', 'tv_weight', 'bfloat16')  # of the objective, as training has them


def is_quiet(values):
    """Whether nobody looks on: standard output carries a picture or a document for a program."""
    return values['json'] or values['output'] == '-'


def refuse(values, reasons, why):
    """Raises UserError where a flag is given that does not go with what is asked for.

    Args:
        values: dict of the flags.
        reasons: dict of flag -> reason.
        why: str with a %s for the flag and one for its reason.
    """
    for flag, reason in reasons.items():
        if values[flag]:
            raise UserError(why % ('--' + flag, reason))


def check(values):
    """Says what is wrong before a network is opened for it.

    Raises:
        UserError: no --input; --json beside --output -; a bad --brush or --match_color.
    """
    from resnet_in_tf.pictures import brush, finishing
    cli.require(values, 'input')
    brush.parse(values['brush'] or None)
    if values['match_color']:
        finishing.parse_match(values['match_color'])
    if values['json'] and values['output'] == '-':
        raise UserError('--json and --output - both want standard output; give --output a file')


def require_place(values, what):
    """Raises UserError where --output is missing, or standard output and `what` not one picture."""
    cli.require(values, 'output')
    if values['output'] == '-':
        raise UserError('--output -: is for one picture, and %s; name a file or a folder' % what)


def most_memory(values):
    """Bytes that the process may hold, by --max_memory; None where it is not given."""
    return memory.parse_size(values['max_memory']) if values['max_memory'] else None


def others(values):
    """Paths of the pictures that are styles or masks, which no result may replace."""
    from resnet_in_tf.restyling import regions
    from resnet_in_tf.restyling.style_images import parse_image
    return [parse_image(text)[0] for text in values['style_image']] + regions.paths(
        values['mask'], values['elsewhere'])


def opened(values):
    """What paints, and with what.

    Returns:
        (Stylizer or NaasStylizer; style weights, Regions, or None for NAAS; list of str, the names of the
        styles in them).

    Raises:
        UserError: as Stylizer; flags that do not go together.
    """
    if values['refine'] and (values['system'] == 'naas' or not values['style_image']):
        raise UserError('--refine trains the row of a --style_image%s' % (
            ', and --system naas has none' if values['system'] == 'naas' else ': name one'))
    if values['system'] == 'naas':
        return open_naas(values)
    from resnet_in_tf.restyling.precision import line
    from resnet_in_tf.restyling.stylizer import Stylizer
    stylizer = Stylizer(values['model'] or None, values['impl'], values['engine'], most_memory(values),
                        values['precision'])
    if values['refine'] and stylizer.engine.graph_def is None:
        raise UserError('--refine: trains a row by a .pb, and %s is none; name one by --model, with --engine '
                        'tensorflow' % stylizer.model)
    if values['precision'] != 'float32':
        print('note: %s' % line(stylizer.engine.precision), file=sys.stderr)
    return (stylizer,) + styles(stylizer, values)


def open_naas(values):
    """As `opened`, for --system naas."""
    from resnet_in_tf.restyling import naas
    from resnet_in_tf.restyling.style_images import image_name
    cli.require(values, 'style_image')
    if len(values['style_image']) > 1 or values['style']:
        raise UserError('--system naas paints after one --style_image, without --style')
    if values['precision'] != 'float32':
        raise UserError('--precision is not for --system naas; there is --bfloat16')
    if values['mask'] or values['elsewhere']:
        raise UserError('--mask and --elsewhere are not for --system naas, which paints all over')
    if values['model'] or values['strength'] != 1:
        raise UserError('--model and --strength are not for --system naas; there is --style_weight')
    iterations = values['iterations'] or naas.ITERATIONS
    on_iteration = [] if is_quiet(values) else [naas.print_progress(iterations)]
    painting = values['style_image'][0]
    stylizer = naas.NaasStylizer(painting, iterations, *on_iteration, style_size=values['style_size'],
                                 **losses(values))
    return stylizer, None, [image_name(painting)]


def styles(stylizer, values, refine=None):
    """The style that is asked for, and the names in it, as Stylizer.asked gives them."""
    return stylizer.asked(values['style'] or None, values['strength'], values['style_image'], values['mask'],
                          values['elsewhere'], refine)


def refined(stylizer, values, photos):
    """Style weights with the rows of --style_image trained further on photos, a list of paths."""
    from resnet_in_tf.restyling import refining
    refine = refining.with_progress(photos, values['refine'], impl=values['impl'], **losses(values))
    return styles(stylizer, values, refine)[0]


def losses(values):
    """What is told of the objective: dict."""
    return {name: values[name] for name in LOSSES + ('vgg_weights',)}


def looks(stylizer, weights, values):
    """What --brush and --match_color ask for: dict of the arguments that carry it."""
    from resnet_in_tf.pictures import brush
    from resnet_in_tf.restyling import matching
    return {'brush': brush.parse(values['brush'] or None),
            'match': matching.read(values['match_color'] or None, stylizer.engine, weights,
                                   values['preserve_color'])}
