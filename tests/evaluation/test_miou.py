"""Formula (12) and the segments behind it, on cases with known answers."""

import itertools
import json
import os

import numpy as np
import pytest

from resnet_in_tf.errors import UserError
from resnet_in_tf.evaluation import miou
from resnet_in_tf.evaluation.features import FeatureReader
from resnet_in_tf.training import coco

QUARTERS = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]])


def test_a_labelling_matches_itself_perfectly():
    assert miou.mean_iou(QUARTERS, QUARTERS, 4) == 1.0


def test_permuted_labels_match_nothing():
    assert miou.mean_iou(QUARTERS, (QUARTERS + 1) % 4, 4) == 0.0


def test_two_swapped_labels_of_four_leave_half():
    swapped = np.array([1, 0, 2, 3])[QUARTERS]
    assert miou.mean_iou(QUARTERS, swapped, 4) == 0.5


def test_half_an_overlap_is_a_third():
    # Each class: 4 pixels shared, 8 in each labelling, so 4 / (8 + 8 - 4).
    left = np.repeat([[0, 0, 1, 1]], 4, axis=0)
    assert miou.mean_iou(left, left.T, 2) == pytest.approx(1 / 3.0)


def test_rows_and_columns_both_count_in_the_denominator():
    # Class 0: 1 shared, 1 + 4 - 1 = 4; class 1: 0 shared. The printed formula would give 1 and 0.
    assert miou.mean_iou(np.array([0, 1, 1, 1]), np.array([0, 0, 0, 0]), 2) == pytest.approx(0.125)


def test_a_class_that_is_nowhere_is_left_out():
    assert miou.mean_iou(QUARTERS, QUARTERS, 40) == 1.0


def test_confusion_counts_pixels_by_both_labels():
    table = miou.confusion([0, 0, 1, 2], [0, 1, 1, 0], 3)
    np.testing.assert_array_equal(table, [[1, 1, 0], [0, 1, 0], [1, 0, 0]])


def test_labels_of_another_shape_are_refused():
    with pytest.raises(ValueError, match='shape'):
        miou.mean_iou(QUARTERS, QUARTERS[:2], 4)


def test_a_mask_made_of_segments_is_found_whole():
    assert miou.best_union_iou(QUARTERS % 2 == 0, QUARTERS, 4) == 1.0


def test_a_mask_over_half_of_one_segment_gives_a_half():
    mask = np.zeros([4, 4])
    mask[0, :2] = 1
    assert miou.best_union_iou(mask, QUARTERS, 4) == 0.5


def test_an_empty_mask_gives_zero():
    assert miou.best_union_iou(np.zeros([4, 4]), QUARTERS, 4) == 0.0


def test_the_best_union_is_the_best_of_all_unions():
    generator = np.random.RandomState(0)
    for _ in range(50):
        labels = generator.randint(6, size=[9, 9])
        chance = generator.uniform(size=[2, 9, 9])
        mask = (chance[0] < 0.15 * labels) & (chance[1] < 0.9)
        best = 0.0
        for count in range(1, 7):
            for chosen in itertools.combinations(range(6), count):
                union = np.isin(labels, chosen)
                best = max(best, (union & mask).sum() / float((union | mask).sum()))
        assert miou.best_union_iou(mask, labels, 6) == pytest.approx(best)


def test_enlarging_repeats_the_nearest_entries():
    np.testing.assert_array_equal(miou.enlarge(np.array([[0, 1], [2, 3]]), 4, 4), QUARTERS)


def test_normalization_takes_gain_and_offset_out():
    feature = np.random.RandomState(1).uniform(size=[5, 6, 4]).astype(np.float32)
    np.testing.assert_allclose(miou.normalized(feature * 7 + 3), miou.normalized(feature),
                               atol=1e-4)


@pytest.fixture(scope='module')
def reader():
    opened = FeatureReader('random', ['relu1_1', 'relu2_1'])
    yield opened
    opened.close()


@pytest.fixture(scope='module')
def photos(face):
    return [face[row:row + 48, column:column + 64]
            for row, column in ((300, 400), (450, 600), (100, 300))]


@pytest.fixture(scope='module')
def segmenter(reader, photos):
    return miou.Segmenter(reader, photos, segments=4, seed=0)


def test_the_same_photos_and_seed_give_the_same_segments(reader, photos, segmenter):
    again = miou.Segmenter(reader, photos, segments=4, seed=0)
    np.testing.assert_array_equal(again.labels(photos[1]), segmenter.labels(photos[1]))


def test_every_pixel_gets_a_label(photos, segmenter):
    labels = segmenter.labels(photos[0][:47, :61])
    assert labels.shape == (47, 61)
    assert set(np.unique(labels)) <= set(range(4))
    assert len(np.unique(labels)) > 1


def test_segments_outlive_noise_better_than_another_picture(photos, segmenter):
    noisy = np.clip(photos[0] + np.random.RandomState(0).normal(0, 4, photos[0].shape), 0, 255)
    reference = segmenter.labels(photos[0])
    near = miou.mean_iou(reference, segmenter.labels(noisy), 4)
    far = miou.mean_iou(reference, segmenter.labels(photos[1]), 4)
    assert far < near < 1.0


def test_objects_of_coco_come_as_masks_without_crowds_and_crumbs(shared_data):
    data = coco.open_coco(os.path.join(shared_data, 'coco_mini', 'annotations',
                                       'instances_mini.json'))
    for image_id, record in data.imgs.items():
        ids = {annotation['id'] for annotation in data.imgToAnns[image_id]
               if not annotation['iscrowd']}
        for object_id, category, mask in miou.annotated_objects(data, image_id, 60, 80):
            annotation = data.anns[object_id]
            assert object_id in ids and category in {row['name'] for row in data.cats.values()}
            assert mask.shape == (60, 80) and mask.mean() >= miou.SMALLEST_OBJECT
            share = annotation['area'] / float(record['height'] * record['width'])
            assert mask.mean() == pytest.approx(share, abs=0.03)


SQUARE = {'id': 1, 'image_id': 1, 'category_id': 1, 'bbox': [0, 0, 10, 10], 'area': 100.0,
          'segmentation': [[0, 0, 10, 0, 10, 10, 0, 10]]}


def written(path, annotation, images=({'id': 1, 'file_name': 'a.jpg', 'height': 20, 'width': 20},)):
    path.write_text(json.dumps({'images': list(images), 'annotations': [annotation],
                                'categories': [{'id': 1, 'name': 'square'}]}))
    return coco.open_coco(str(path))


def without(name):
    return {key: value for key, value in SQUARE.items() if key != name}


@pytest.mark.parametrize('annotation, category', [
    (SQUARE, 'square'), (without('area'), 'square'), (dict(SQUARE, iscrowd=0), 'square'),
    (dict(SQUARE, category_id=9), 'unknown')])
def test_objects_are_found_in_files_that_lack_what_coco_has(tmp_path, annotation, category):
    (_, name, mask), = miou.annotated_objects(written(tmp_path / 'a.json', annotation), 1, 20, 20)
    assert name == category and mask[:10, :10].mean() > 0.8 and mask.mean() == pytest.approx(0.25, abs=0.06)


@pytest.mark.parametrize('annotation', [
    dict(SQUARE, iscrowd=1), without('segmentation'), dict(SQUARE, segmentation=[]),
    dict(SQUARE, segmentation=None), dict(SQUARE, segmentation=[[]]), dict(SQUARE, segmentation=[[1, 2]]),
    dict(SQUARE, segmentation='none'), dict(SQUARE, segmentation={'size': [20, 20]}),
    dict(SQUARE, segmentation=[[0, 0, 1, 0, 1, 1, 0, 1]])])
def test_crowds_crumbs_and_objects_without_a_mask_are_left_out(tmp_path, annotation):
    assert miou.annotated_objects(written(tmp_path / 'a.json', annotation), 1, 20, 20) == []


@pytest.mark.parametrize('missing', ['height', 'width'])
def test_a_photo_without_its_size_has_no_objects(tmp_path, missing):
    photo = {'id': 1, 'file_name': 'a.jpg', 'height': 20, 'width': 20}
    del photo[missing]
    assert miou.annotated_objects(written(tmp_path / 'a.json', SQUARE, [photo]), 1, 20, 20) == []


@pytest.mark.parametrize('name', ['category_id', 'image_id'])
def test_an_annotation_that_is_of_nothing_is_one_line(tmp_path, name):
    with pytest.raises(UserError, match='^--coco_annotations .*a.json: not a COCO annotation file .*' + name):
        written(tmp_path / 'a.json', without(name))
