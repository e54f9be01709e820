"""The card beside a network that ships: what made it, how well each style came out, its checksum."""

import json
import os

from resnet_in_tf import files
from resnet_in_tf.errors import UserError
from resnet_in_tf.evaluation import quality
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling.style_images import style_size
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf.training import run_record
from resnet_in_tf.training.paintings import read_painting, style_name

NOTED = ('title', 'artist', 'year')  # what a person tells of a painting; all else is measured


def read_notes(path):
    """What a person knows of the paintings: dict style name -> dict of title, artist, year.

    Raises:
        UserError: the file cannot be read as JSON, or notes something else.
    """
    try:
        notes = files.read_json(path)
    except (OSError, ValueError) as error:
        raise UserError('--notes %s: cannot be read as JSON (%s)' % (path, error)) from error
    if not isinstance(notes, dict):
        raise UserError('--notes %s: must be an object, such as {"wave": {"title": "The Great Wave"}}' % path)
    for style, note in notes.items():
        if not isinstance(note, dict):
            raise UserError('--notes %s: %s must have an object, such as {"title": "The Great Wave"}'
                            % (path, style))
        other = sorted(set(note) - set(NOTED))
        if other:
            raise UserError('--notes %s: %s has %s; a note may have %s, all else is measured'
                            % (path, style, other[0], ', '.join(NOTED)))
    return notes


def check_is_card(path):
    """Raises UserError where a file stands in a card's place and is none: it would be lost."""
    if not os.path.exists(path):
        return
    try:
        found = files.read_json(path)
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict) or 'style_names' not in found:
        raise UserError('%s: the card would be written there, and what is there is no card; move it '
                        'away' % path)


def write_card(model, styles, test_images, vgg_weights, judge_vgg_weights=None, notes=None, photos=10,
               crops=60, show=print):
    """Measures a network's styles on test photos and writes its card, <model>.json.

    Args:
        model: path of a .pb.
        styles: paths of its paintings, by their names.
        test_images: folder of photos that it was not trained on.
        vgg_weights: the loss network of the losses, as in vgg.open_weights.
        judge_vgg_weights: that of the judge who recognises styles; None means `vgg_weights`.
        notes: path of a JSON file, see `read_notes`, or None.
        photos: how many test photos; the judge learns what a photo is from those that follow, or
            where none does, from these.
        crops: crops of each painting, and of photos, that the judge learns from.
        show: function of one line.

    Returns:
        dict, as written.

    Raises:
        UserError: a style's painting is missing, or a file cannot be read.
    """
    known = read_notes(notes) if notes else {}
    stylizer = Stylizer(model)
    model = stylizer.model
    output = os.path.splitext(model)[0] + '.json'
    check_is_card(output)
    by_name = {style_name(path): path for path in styles}
    missing = [style for style in stylizer.styles if style not in by_name]
    if missing:
        raise UserError('--styles: there is no painting called %s' % missing[0])
    size = style_size(stylizer.card)
    paintings = {style: read_painting(by_name[style], size) for style in stylizer.styles}
    paths = images.list_pictures(test_images)
    tests = [images.read(path) for path in paths[:photos]]
    plain = [images.read(path) for path in paths[photos:photos + crops]] or tests
    card = dict(stylizer.card, file=os.path.basename(model), bytes=os.path.getsize(model),
                sha256=run_record.describe_file(model)['sha256'], test_photos=len(tests),
                measured_with={'vgg_weights': vgg_weights, 'crops': crops,
                               'judge_vgg_weights': judge_vgg_weights or vgg_weights})
    with quality.open_instruments(paintings, plain, vgg_weights, judge_vgg_weights, crops) as instruments:
        measured, chances = quality.measure_styles(instruments, (
            (photo, ((style, stylizer.stylize(photo, stylizer.style_weights(style))) for style in paintings))
            for photo in tests))
        card['recognition'], recognised = quality.recognised(instruments.judge, chances)
    card['styles'] = [dict(style, recognised=recognised[style['name']], **measured[style['name']],
                           **known.get(style['name'], {})) for style in card['styles']]
    for style in card['styles']:
        show(style_line(style))
    show('recognition: ' + ', '.join('%s %s' % item for item in sorted(card['recognition'].items())))
    text = json.dumps(card, indent=1, sort_keys=True, ensure_ascii=False) + '\n'
    files.write_file(output, text.encode('utf-8'))
    return card


def style_line(style):
    """A style's measures as one line of text, from its entry in the card."""
    line = ('{name}: content {content}, style {style}, recognised {recognised}, ssim {ssim}, '
            'unevenness {unevenness}').format(**dict(style, **style['losses']))
    for key in ('textureless', 'pixel_patterns'):
        line += '; %s: %s' % (key.replace('_', ' '),
                              ', '.join('%s %s' % item for item in sorted(style[key].items())))
    return line
