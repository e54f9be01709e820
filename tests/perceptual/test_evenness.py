"""Evenness: closed forms on two tones, beside photos that are even, have an edge, or are textured."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf.perceptual.evenness import CELL, GRAIN, evenness_loss

SIDE = 8 * CELL  # eight cells a side
GREY = np.full([1, SIDE, SIDE, 3], 128, np.float32)
HALVES = GREY + 51.0 * (np.arange(SIDE) >= SIDE // 2)[None, None, :, None]  # a step of 0.2 in the middle


def run(restyled, photo):
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(evenness_loss(tf.constant(restyled, tf.float32), tf.constant(photo, tf.float32)))


def test_a_sky_of_two_tones_costs_the_square_of_their_step_for_each_pair_across_it():
    # Of 8 - d columns of pairs, d lie across the step; along the other axis none.
    shares = sum(distance / (8.0 - distance) for distance in (1, 2, 4)) / 6
    assert run(HALVES, GREY) == pytest.approx([0.04 * shares], rel=1e-4)


def test_what_the_photo_has_itself_costs_next_to_nothing():
    assert run(HALVES, HALVES)[0] < 1e-6
    assert run(GREY, HALVES) == pytest.approx([0], abs=1e-9)


def test_strokes_within_a_cell_cost_nothing():
    strokes = GREY + 100.0 * (np.arange(SIDE) % CELL < CELL // 2)[None, None, :, None]
    assert run(strokes, GREY) == pytest.approx([0], abs=1e-9)


def test_textured_places_count_less_by_their_deviation():
    signs = (-1.0) ** np.add.outer(np.arange(SIDE), np.arange(SIDE))[None, :, :, None]
    textured = GREY + 255 * GRAIN * signs
    assert run(HALVES, textured) == pytest.approx(run(HALVES, GREY) / 4, rel=1e-3)  # a half for each end


def test_samples_are_apart():
    found = run(np.concatenate([HALVES, GREY]), np.concatenate([GREY, GREY]))
    assert found[0] > 0 and found[1] == pytest.approx(0, abs=1e-9)


def test_pictures_of_two_cells_a_side_have_pairs_of_neighbours_alone():
    found = run(HALVES[:, :2 * CELL, 3 * CELL:5 * CELL], GREY[:, :2 * CELL, :2 * CELL])
    assert found == pytest.approx([0.04 / 6], rel=1e-4)
