"""Runs every measure over the pictures of a report: rows of numbers, one a picture or a run."""

import os

import numpy as np

from resnet_in_tf.evaluation import miou, recognition, tables, timing
from resnet_in_tf.evaluation.networks import NAAS
from resnet_in_tf.pictures import images
from resnet_in_tf.training import coco, run_record
from resnet_in_tf.training.paintings import read_painting

TESTS = 5  # Table III has five tests: the photos are dealt to them in turn


def recognise(judge, workshop, name, step, group, keys):
    """What the judge sees in each restyled photo.

    Args:
        judge: recognition.Judge.
        workshop, name, step, group: which pictures, as in networks.Workshop.
        keys: the photos' keys.

    Returns:
        List of dicts: system, step, photos, photo, asked, seen, and `p <class>` for each class.
    """
    rows = []
    for style in workshop.paintings:
        pictures = [workshop.read(name, step, group, style, key) for key in keys]
        for key, chances in zip(keys, recognition.probabilities(judge, pictures)):
            rows.append(recognition_row(judge, name, step, group, key, style, chances))
    return rows


def recognition_row(judge, name, step, group, key, asked, chances):
    """One row of `recognise`."""
    row = {'system': name, 'step': step, 'photos': group, 'photo': key, 'asked': asked,
           'seen': judge.classes[int(np.argmax(chances))]}
    row.update(('p ' + name, float(chance)) for name, chance in zip(judge.classes, chances))
    return row


def recognition_scores(rows, classes):
    """recognition.scores of rows of `recognise`."""
    return recognition.scores([classes.index(row['asked']) for row in rows],
                              [[row['p ' + name] for name in classes] for row in rows])


def reference_rows(judge, paintings, photos, crop_size, crops):
    """The judge's ceiling (held-out crops of the paintings) and floor (untouched photos).

    An untouched photo is shown once and asked for in every style, as the restyled ones are.

    Returns:
        Rows of `recognise`, called 'ceiling' and 'floor'.
    """
    pictures, asked = recognition.ceiling_pictures(paintings, crop_size, crops)
    rows = [recognition_row(judge, 'ceiling', '', 'crops', index, judge.classes[label], chances)
            for index, (label, chances)
            in enumerate(zip(asked, recognition.probabilities(judge, pictures)))]
    seen = recognition.probabilities(judge, list(photos.values()))
    return rows + [recognition_row(judge, 'floor', '', 'test', key, style, chances)
                   for style in paintings for key, chances in zip(photos, seen)]


def losses(meter, workshop, name, step, photos):
    """Content and style loss of each restyled test photo; `name` None means the photos themselves.

    Returns:
        List of dicts: system, photo, style, content loss, style loss, total loss.
    """
    rows = []
    for key, photo in photos.items():
        wanted = meter.look_at(photo)
        for index, style in enumerate(workshop.paintings):
            stylized = workshop.read(name, step, 'test', style, key) if name else photo
            parts, _ = meter.measure(wanted, stylized, index)
            rows.append({'system': name or 'untouched photo', 'photo': key, 'style': style,
                         'content loss': parts['content'], 'style loss': parts['style'],
                         'total loss': parts['total']})
    return rows


def structure(segmenter, workshop, name, step, photos, labels):
    """MIoU of each restyled test photo against its own photo; `name` None means another photo.

    Args:
        segmenter: miou.Segmenter.
        labels: dict key -> the photo's own labels, int [H, W].

    Returns:
        List of dicts: system, photo, style, test (1 to TESTS), miou; empty where there is no other photo.
    """
    rows, keys = [], list(photos)
    if not name and len(keys) == 1:
        return rows
    for place, key in enumerate(keys):
        for style in workshop.paintings if name else ['']:
            if name:
                found = segmenter.labels(workshop.read(name, step, 'test', style, key))
            else:
                found = miou.enlarge(labels[keys[place - 1]], *labels[key].shape)
            rows.append({'system': name or 'another photo', 'photo': key, 'style': style,
                         'test': place % TESTS + 1,
                         'miou': miou.mean_iou(labels[key], found, segmenter.segments)})
    return rows


def objects(segmenter, workshop, systems, photos, annotated):
    """The IoU of annotated objects with the best union of segments, before and after restyling.

    Args:
        segmenter: miou.Segmenter.
        systems: dict name -> step.
        photos: dict key -> uint8 [H, W, 3].
        annotated: dict key -> rows of miou.annotated_objects.

    Returns:
        List of dicts: system ('photo' before, 'another photo' as the floor), photo, style, object,
        category, iou.
    """
    rows = []
    labels = {key: segmenter.labels(photo) for key, photo in photos.items()}

    def add(system, key, style, found):
        rows.extend({'system': system, 'photo': key, 'style': style, 'object': object_id,
                     'category': category,
                     'iou': miou.best_union_iou(mask, found, segmenter.segments)}
                    for object_id, category, mask in annotated[key])

    keys = list(photos)
    for place, key in enumerate(keys):
        add('photo', key, '', labels[key])
        if len(keys) > 1:
            add('another photo', key, '', miou.enlarge(labels[keys[place - 1]], *labels[key].shape))
        for name, step in systems.items():
            for style in workshop.paintings:
                add(name, key, style,
                    segmenter.labels(workshop.read(name, step, 'annotated', style, key)))
    return rows


def times(workshop, name, step, photo, runs, model=None):
    """Warm runs of each style on one picture; NAAS, which takes minutes, in the first style.

    Done once for a network and a size, and kept. `model`, a .pb, is timed in the run's place.

    Returns:
        List of dicts of str: system, style, load, first, run 1, ...
    """
    shown = '%s_%06d' % (name, step)
    if model:
        shown = '%s_%s' % (os.path.splitext(os.path.basename(model))[0],
                           run_record.describe_file(model)['sha256'][:8])
    path = workshop.path('timing', '%s_%dx%d_%d.csv' % (shown, photo.shape[1], photo.shape[0], runs))
    if not os.path.exists(path):
        workshop.show('%s: timing' % shown)
        if name == NAAS:
            style, painting = list(workshop.paintings.items())[0]
            painting = read_painting(painting, workshop.settings['style_size'])
            found = timing.time_naas(style, painting, photo, step, runs, **workshop.naas_settings())
        else:
            found = timing.time_network(model or workshop.network(name, step), photo, runs)
        tables.write_csv(path, [dict([('system', name), ('picture', '%dx%d' % photo.shape[1::-1])],
                                     **timing.numbered(row)) for row in found])
    return [{key: value if key in ('system', 'picture', 'style') else float(value)
             for key, value in row.items()} for row in tables.read_csv(path)]


def read_photos(folder, names, size, known=()):
    """Photos at a size, as dict key -> uint8 [H, W, 3]; unreadable ones are left out.

    No two photos have one key, nor one out of `known`.
    """
    photos = {}
    for name in names:
        try:
            photo = recognition.prepare(os.path.join(folder, name), size)
        except images.PictureError:
            continue
        photos[free_key(name, list(photos) + list(known))] = photo
    return photos


def photo_key(name):
    """A photo's file name as one part of a path."""
    return os.path.splitext(name)[0].replace(os.sep, '__')


def free_key(name, taken):
    """A photo's key; of a.jpg and a.png the second is called a.png, and then a.png.2."""
    whole = name.replace(os.sep, '__')
    keys = [photo_key(name), whole] + ['%s.%d' % (whole, number) for number in range(2, len(taken) + 3)]
    return next(key for key in keys if key not in taken)


def annotated_photos(folder, annotations, count, size):
    """COCO photos with at least one object that counts: (photos, annotated), both by key.

    Args:
        folder, annotations: COCO's.
        count: how many at most, in the order of their names.
        size: short side in pixels.
    """
    data = coco.open_coco(annotations)
    photos, annotated = {}, {}
    for record in sorted(data.imgs.values(), key=lambda record: record['file_name']):
        if len(photos) >= count:
            break
        found = read_photos(folder, [record['file_name']], size, photos)
        for key, photo in found.items():
            rows = miou.annotated_objects(data, record['id'], *photo.shape[:2])
            if rows:
                photos[key], annotated[key] = photo, rows
    return photos, annotated
