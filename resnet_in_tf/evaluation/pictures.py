"""Measures pictures that any program made, side by side, by the measures of a card.

A folder of pictures holds one sub-folder a style, called as the painting's file without its ending,
and in it each photo restyled, called as the photo without its ending.
"""

import os

from resnet_in_tf.errors import UserError
from resnet_in_tf.evaluation import quality, tables
from resnet_in_tf.pictures import images
from resnet_in_tf.training import config
from resnet_in_tf.training.paintings import read_painting, style_name

COLUMNS = {  # of a style's measures, as quality.means_of has them
    'content loss': ('losses', 'content'), 'style loss': ('losses', 'style'), 'SSIM': ('ssim',),
    'textureless': ('textureless', 'pictures'), 'textureless in painting': ('textureless', 'painting'),
    'patterns': ('pixel_patterns', 'pictures'), 'patterns in photo': ('pixel_patterns', 'photos'),
    'patterns in painting': ('pixel_patterns', 'painting'), 'unevenness': ('unevenness',)}


def by_name(paths, name=style_name):
    """Files by their names without endings: dict str -> path.

    Raises:
        UserError: two have one name.
    """
    found = {}
    for path in paths:
        other = found.setdefault(name(path), path)
        if other != path:
            raise UserError('%s and %s have one name; rename or remove one' % (other, path))
    return found


def find_styles(folder):
    """The pictures of a folder: dict style -> dict photo's name -> path.

    Raises:
        UserError: there is none, or two have one name.
    """
    try:
        entries = sorted(os.listdir(folder))
    except OSError as error:
        raise UserError('--pictures %s: cannot be searched (%s)' % (folder, error.strerror)) from error
    folders = [os.path.join(folder, entry) for entry in entries if not entry.startswith('.')]
    folders = [path for path in folders if os.path.isdir(path)]
    if not folders:
        raise UserError('--pictures %s: holds no folder of a style; a picture is %s' % (
            folder, os.path.join(folder, 'STYLE', 'PHOTO.png')))
    # A dot in a folder's name is no ending.
    return {style: by_name(images.list_pictures(path)) for style, path in
            by_name(folders, lambda path: style_name(path + '.folder')).items()}


def check_matches(found, paintings, photos):
    """Checks that each style has its painting, each picture its photo, and all the same photos.

    Args:
        found: dict folder -> as `find_styles`.
        paintings, photos: dict name -> path.

    Returns:
        Sorted list of the photos' names that pictures are of.

    Raises:
        UserError: not so.
    """
    first = None
    for folder, styles in found.items():
        for style, pictures in styles.items():
            place = os.path.join(folder, style)
            if style not in paintings:
                raise UserError('%s: there is no painting called %s in --styles' % (place, style))
            strangers = sorted(set(pictures) - set(photos))
            if strangers:
                raise UserError('%s: there is no photo called %s in --test_images'
                                % (pictures[strangers[0]], strangers[0]))
            first = first or (place, pictures)
            uneven = sorted(set(pictures) ^ set(first[1]))
            if uneven:
                places = (place, first[0]) if uneven[0] in first[1] else (first[0], place)
                raise UserError('%s: the photo %s is missing, which %s has; the same photos are needed '
                                'everywhere' % (places[0], uneven[0], places[1]))
    return sorted(first[1])


def read_pictures(styles, photos):
    """Reads a folder's pictures photo by photo, for `quality.measure_styles`.

    Args:
        styles: as `find_styles`.
        photos: dict name -> uint8 [H, W, 3].

    Yields:
        (photo, iterable of (style, uint8 [h, w, 3])).
    """
    for name, photo in photos.items():
        yield photo, ((style, images.read(paths[name])) for style, paths in styles.items())


def style_row(folder, style, measures, recognised):
    """One style's measures as a row of the CSV file."""
    row = {'pictures': folder, 'style': style, 'recognised': recognised}
    for column, path in COLUMNS.items():
        value = measures
        for key in path:
            value = value[key]
        row[column] = value
    return row


def means_table(rows, chances, judge, styles):
    """The means over some styles: Markdown, a row for each folder that has them all.

    Args:
        rows: dict folder -> list of `style_row`.
        chances: dict folder -> as of quality.measure_styles.
        judge: recognition.Judge.
        styles: set of their names.
    """
    table = []
    for folder in [folder for folder in rows if styles <= set(chances[folder])]:
        kept = [row for row in rows[folder] if row['style'] in styles]
        scores = quality.recognised(judge, {row['style']: chances[folder][row['style']] for row in kept})[0]
        means = {column: quality.mean([row[column] for row in kept if row[column] is not None])
                 for column in COLUMNS}
        table.append(dict([('pictures', folder), ('styles', len(kept))], **dict(scores, **means)))
    return tables.markdown(table)


def style_sets(found):
    """The sets of styles that folders can be compared on: those of each, and what all have in common.

    Args:
        found: iterable of collections of names.

    Returns:
        List of frozenset, the largest first.
    """
    sets = [frozenset(styles) for styles in found]
    sets.append(frozenset.intersection(*sets))
    return sorted({styles for styles in sets if styles}, key=lambda styles: (-len(styles), sorted(styles)))


def measure_pictures(pictures, styles, test_images, vgg_weights, judge_vgg_weights=None, style_size=None,
                     crops=60, output=None, show=print):
    """Measures folders of pictures and shows a table of means for each of their `style_sets`.

    Args:
        pictures: paths of the folders.
        styles: paths of the paintings; the judge knows all of them, those without pictures too.
        test_images: folder of the photos; the judge learns what a photo is from those without
            pictures, or where there is none, from those that the pictures are of.
        vgg_weights, judge_vgg_weights, crops: as quality.open_instruments.
        style_size: longest side of the paintings; None is training's default.
        output: path of a CSV with a row a style and folder, or None.
        show: function of one line or table.

    Returns:
        List of `style_row`.

    Raises:
        UserError: a painting or a photo is missing, or a file cannot be read or written.
    """
    if output and not output.lower().endswith('.csv'):
        raise UserError('--output %s: the table is a .csv' % output)
    size = config.resolve({'style_size': style_size, 'vgg_weights': vgg_weights})['style_size']
    found = {folder: find_styles(folder) for folder in pictures}
    painted, known = by_name(styles), by_name(images.list_pictures(test_images))
    names = check_matches(found, painted, known)
    photos = {name: images.read(known[name]) for name in names}
    plain = [images.read(known[name]) for name in sorted(set(known) - set(names))[:crops]]
    paintings = {style: read_painting(path, size) for style, path in painted.items()}
    rows, chances = {}, {}
    with quality.open_instruments(paintings, plain or list(photos.values()), vgg_weights,
                                  judge_vgg_weights, crops) as instruments:
        for folder, of_styles in found.items():
            measured, chances[folder] = quality.measure_styles(
                instruments, read_pictures(of_styles, photos))
            shares = quality.recognised(instruments.judge, chances[folder])[1]
            rows[folder] = [style_row(folder, style, measures, shares[style])
                            for style, measures in measured.items()]

    show('%d photos; the judge knows %d paintings' % (len(photos), len(paintings)))
    for shared in style_sets(found.values()):
        show('\n%s:\n\n%s' % (', '.join(sorted(shared)),
                              means_table(rows, chances, instruments.judge, shared)))
    rows = [row for folder in found for row in rows[folder]]
    if output:
        tables.write_csv(output, rows)
    return rows
