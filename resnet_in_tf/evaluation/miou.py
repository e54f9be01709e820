"""MIoU (paper, formula 12 and Table III): how much of a photo's structure survives restyling.

Photo and stylized photo are labelled by one and the same segmenter, k-means on VGG features of
photos. Labels mean the same in both, so none is matched to another.
"""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import confusion_matrix

LAYERS = ('relu2_1', 'relu3_1', 'relu4_1')
SAMPLES = 400  # positions of each photo that k-means is fitted to
SMALLEST_OBJECT = 0.01  # of the picture; smaller ones are lost on the features' grid


def confusion(reference, labels, classes):
    """p_ij of formula (12): how many pixels of class i are labelled j.

    Args:
        reference, labels: int arrays of one shape, in [0, classes).
        classes: k + 1 of the formula.

    Returns:
        int64 [classes, classes].
    """
    reference, labels = np.asarray(reference), np.asarray(labels)
    if reference.shape != labels.shape:
        raise ValueError('labels of shape %s cannot be compared with %s'
                         % (labels.shape, reference.shape))
    return confusion_matrix(reference.ravel(), labels.ravel(), labels=np.arange(classes))


def mean_iou(reference, labels, classes):
    """Formula (12) in its usual form, p_ii / (sum_j p_ij + sum_j p_ji - p_ii).

    The paper prints sum_j p_ij twice. A class that neither labelling holds is left out.

    Args:
        reference, labels, classes: as in `confusion`.

    Returns:
        float in [0, 1].
    """
    table = confusion(reference, labels, classes)
    shared = np.diag(table)
    united = table.sum(axis=1) + table.sum(axis=0) - shared
    there = united > 0
    return float(np.mean(shared[there] / united[there]))


def best_union_iou(mask, labels, classes):
    """The IoU of a mask with that union of segments which fits it best.

    A union's IoU is sum(inside) / (|mask| + sum(outside)). It is largest for the segments with the
    most inside for their outside, so the best of the unions in that order is the best of all.

    Args:
        mask: bool or 0/1 array.
        labels: int array of the same shape, in [0, classes).
        classes: number of segments.

    Returns:
        float in [0, 1]; 0 for an empty mask.
    """
    mask, labels = np.asarray(mask, bool).ravel(), np.asarray(labels).ravel()
    if not mask.any():
        return 0.0
    size = np.bincount(labels, minlength=classes)
    inside = np.bincount(labels[mask], minlength=classes)
    order = np.argsort(-(inside / np.maximum(size, 1)), kind='stable')
    inside, outside = inside[order].cumsum(), (size - inside)[order].cumsum()
    return float(np.max(inside / (mask.sum() + outside)))


def normalized(feature):
    """Each channel of one picture's layer at mean 0 and deviation 1: takes the palette's shift out.

    Args:
        feature: float32 [h, w, C].

    Returns:
        float32 [h, w, C]; over sqrt(C), so that every layer weighs the same.
    """
    mean, deviation = feature.mean(axis=(0, 1)), feature.std(axis=(0, 1))
    return (feature - mean) / np.maximum(deviation, 1e-3) / np.sqrt(feature.shape[-1])


def enlarge(array, height, width):
    """Repeats the nearest entries of [h, w, ...] until it is [height, width, ...]."""
    rows = np.arange(height) * array.shape[0] // height
    columns = np.arange(width) * array.shape[1] // width
    return array[rows[:, None], columns[None]]


class Segmenter:
    """k-means on normalized VGG features of photos; labels any picture by its nearest centre.

    Args:
        reader: features.FeatureReader of LAYERS.
        photos: list of uint8 [H, W, 3], what the centres are fitted to.
        segments: k, the number of centres.
        seed: whole number; same seed and photos, same centres.
    """

    def __init__(self, reader, photos, segments=8, seed=0):
        self.reader, self.segments = reader, segments
        generator = np.random.RandomState(seed)
        samples = []
        for photo in photos:
            grid = self.grid(photo)
            flat = grid.reshape([-1, grid.shape[-1]])  # [h*w, C]
            samples.append(flat[generator.permutation(len(flat))[:SAMPLES]])
        samples = np.concatenate(samples).astype(np.float64)
        start = samples[generator.permutation(len(samples))[:segments]]
        self.means = KMeans(segments, init=start, n_init=1, max_iter=30, random_state=seed).fit(samples)

    def grid(self, picture):
        """All layers on the grid of the first: float32 [h, w, C]."""
        layers = [normalized(feature) for feature in self.reader.features(picture)]
        height, width = layers[0].shape[:2]
        return np.concatenate([enlarge(layer, height, width) for layer in layers], axis=-1)

    def labels(self, picture):
        """The segment of every pixel of uint8 [H, W, 3]: int32 [H, W] in [0, segments)."""
        grid = self.grid(picture)
        flat = grid.reshape([-1, grid.shape[-1]]).astype(np.float64)  # [h*w, C]
        labels = self.means.predict(flat).reshape(grid.shape[:2])
        return enlarge(labels, *picture.shape[:2])


def annotated_objects(coco, image_id, height, width):
    """The annotated objects of a COCO photo at another size.

    Args:
        coco: pycocotools.coco.COCO.
        image_id: id of the photo.
        height, width: the size that the masks are brought to.

    Returns:
        List of (annotation id, category name, bool [height, width]); crowds, objects under
        SMALLEST_OBJECT of the picture and those without a mask are left out.
    """
    found = []
    for annotation in coco.imgToAnns[image_id]:
        if annotation.get('iscrowd'):  # COCO's own files alone say so
            continue
        try:
            mask = coco.annToMask(annotation)
        except Exception:  # pycocotools raises whatever a polygon that is none leads to
            continue
        mask = enlarge(mask, height, width).astype(bool)
        if mask.mean() >= SMALLEST_OBJECT:
            category = coco.cats.get(annotation.get('category_id'), {}).get('name', 'unknown')
            found.append((annotation['id'], category, mask))
    return found
