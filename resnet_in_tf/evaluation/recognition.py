"""Style recognition (paper, Fig. 7, 8, 10): does a judge who knows the paintings see the right one?

The judge is a logistic regression on VGG statistics of random crops of each painting, and of
plain photos as one class more. Right is the style that was asked for.
"""

import collections
import warnings

import numpy as np

from resnet_in_tf.pictures import images

PHOTO = 'photo'  # the judge's last class
HELD_OUT = 4  # the last 1/HELD_OUT of a painting is kept for the judge's own ceiling

Judge = collections.namedtuple('Judge', 'reader classifier classes')
Judge.__doc__ = """A trained judge.

Fields:
    reader: features.FeatureReader.
    classifier: scikit-learn pipeline with predict_proba.
    classes: list of str, the styles and then PHOTO.
"""


def held_out(painting):
    """Cuts a painting in two along its longer side.

    Args:
        painting: uint8 [H, W, 3].

    Returns:
        (known, held_out): uint8 [h, w, 3], the first 3/4 and the last 1/4, with no pixel in common.
    """
    height, width = painting.shape[:2]
    if width >= height:
        cut = max(1, width - width // HELD_OUT)
        return painting[:, :cut], painting[:, min(cut, width - 1):]
    cut = max(1, height - height // HELD_OUT)
    return painting[:cut], painting[min(cut, height - 1):]


def random_crops(picture, size, count, generator):
    """Squares out of a picture at random places, mirrored half of the time; the scale is kept.

    Args:
        picture: uint8 [H, W, 3].
        size: side in pixels; smaller where the picture is.
        count: how many.
        generator: numpy RandomState.

    Returns:
        List of uint8 [side, side, 3].
    """
    height, width = picture.shape[:2]
    side = min(size, height, width)
    crops = []
    for _ in range(count):
        top, left = generator.randint(height - side + 1), generator.randint(width - side + 1)
        crop = picture[top:top + side, left:left + side]
        crops.append(crop[:, ::-1] if generator.randint(2) else crop)
    return crops


def train_judge(reader, paintings, photos, crop_size, crops, seed=0):
    """Trains the judge on crops of the known parts of the paintings, and on photos.

    Args:
        reader: features.FeatureReader.
        paintings: dict style -> uint8 [H, W, 3], at the scale that training saw.
        photos: list of uint8 [H, W, 3]; each gives one crop, again and again up to `crops`.
        crop_size: side of the crops in pixels.
        crops: number of crops a class.
        seed: whole number.

    Returns:
        Judge.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    generator = np.random.RandomState(seed)
    statistics, labels = [], []
    for label, painting in enumerate(paintings.values()):
        statistics.append(reader.statistics(
            random_crops(held_out(painting)[0], crop_size, crops, generator)))
        labels += [label] * crops
    plain = [random_crops(photos[index % len(photos)], crop_size, 1, generator)[0]
             for index in range(crops)]
    statistics.append(reader.statistics(plain))
    labels += [len(paintings)] * crops
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    classifier.fit(np.concatenate(statistics), labels)
    return Judge(reader, classifier, list(paintings) + [PHOTO])


def probabilities(judge, pictures):
    """What the judge sees in pictures: float [N, S + 1], a column a class of `judge.classes`."""
    return judge.classifier.predict_proba(judge.reader.statistics(pictures))


def ceiling_pictures(paintings, crop_size, crops, seed=1):
    """Crops of the held-out parts: ([pictures], [index of the style])."""
    generator = np.random.RandomState(seed)
    pictures, asked = [], []
    for label, painting in enumerate(paintings.values()):
        pictures += random_crops(held_out(painting)[1], crop_size, crops, generator)
        asked += [label] * crops
    return pictures, asked


def prepare(path, size):
    """Reads a photo and makes its short side `size` pixels: uint8 [H, W, 3]."""
    photo = images.read(path)
    height, width = photo.shape[:2]
    scale = size / float(min(height, width))
    return images.resize(photo, max(1, round(width * scale)), max(1, round(height * scale)))


def scores(asked, seen_probabilities):
    """Accuracy, and recall, F1 and AUC as macro averages over the styles that were asked for.

    Args:
        asked: int [N], index of the style that was asked for.
        seen_probabilities: float [N, S + 1]; the last column is PHOTO, which is never right.

    Returns:
        dict: accuracy, recall, f1, auc. AUC is one style against the others, NaN where only one
        style was asked for.
    """
    from sklearn.metrics import accuracy_score, f1_score, recall_score, roc_auc_score
    asked, table = np.asarray(asked), np.asarray(seen_probabilities)
    seen = table.argmax(axis=1)
    styles = sorted(set(asked.tolist()))
    macro = {'labels': styles, 'average': 'macro', 'zero_division': 0}
    with warnings.catch_warnings():
        # Newer scikit-learn takes styles by two pictures each for numbers to be regressed.
        warnings.filterwarnings('ignore', 'The number of unique classes', UserWarning)
        areas = [roc_auc_score(asked == style, table[:, style]) for style in styles if len(styles) > 1]
        return {'accuracy': float(accuracy_score(asked, seen)),
                'recall': float(recall_score(asked, seen, **macro)),
                'f1': float(f1_score(asked, seen, **macro)),
                'auc': float(np.mean(areas)) if areas else float('nan')}
