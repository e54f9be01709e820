"""Films that are steady: what is brought along the flow and what is not, cuts, statistics of a shot."""

import networks
import numpy as np
import pytest
from film_files import make
from PIL import Image

pytest.importorskip('cv2', reason="STEADY FILMS ARE NOT TESTED: pip install 'resnet_in_tf[video]'")

from resnet_in_tf.restyling.stylizer import Stylizer  # noqa: E402
from resnet_in_tf.tiles.network import Affine  # noqa: E402
from resnet_in_tf.video import flow, probing, results, shots, statistics, steady  # noqa: E402
from resnet_in_tf.video.painting import Painter  # noqa: E402


def texture(height=64, width=96, seed=0):
    noise = np.random.RandomState(seed).uniform(0, 255, [height // 4, width // 4, 3]).astype(np.uint8)
    return np.asarray(Image.fromarray(noise).resize((width, height), Image.BICUBIC))


def noisy(picture, seed):
    noise = np.random.RandomState(seed).normal(0, 20, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def test_flow_is_from_one_frame_to_the_other_and_warp_undoes_it():
    picture = texture()
    one, other = picture[:, :64], picture[:, 3:67]  # what is at x in one is at x - 3 in the other
    found = flow.Flow()(one, other)
    np.testing.assert_allclose(np.median(found[8:-8, 8:-8], axis=(0, 1)), [-3, 0], atol=0.1)
    exact = np.zeros([64, 64, 2], np.float32)
    exact[..., 0] = -3
    np.testing.assert_array_equal(flow.warp(other, exact)[:, 3:], one[:, 3:])
    assert flow.inside(exact)[:, 3:].all() and not flow.inside(exact)[:, :3].any()
    assert flow.visible(exact, -exact)[:, 3:].all() and not flow.visible(exact, exact).any()


@pytest.mark.parametrize('size', [(1, 1), (7, 3), (16, 40)])
def test_small_frames_have_a_flow(size):
    frame = texture()[:size[0], :size[1]]
    assert flow.Flow()(frame, frame).shape == size + (2,)
    assert steady.Blend()(frame, frame, frame, frame).shape == frame.shape


def test_noise_of_results_falls_where_the_film_only_moves():
    picture, blend = texture(96, 128), steady.Blend()
    frames = [picture[:, 2 * step:2 * step + 96] for step in range(8)]
    wanted = [255 - frame for frame in frames]
    result = painted = noisy(wanted[0], 0)
    for step in range(1, 8):
        painted = noisy(wanted[step], step)
        result = blend(frames[step], painted, frames[step - 1], result)
    inner = (slice(8, -8), slice(8, -24))
    errors = [np.std(each[inner].astype(float) - wanted[-1][inner]) for each in (result, painted)]
    assert errors[0] < 0.65 * errors[1]  # 0.9 ** 7 of the first one's noise is left, and little of the others


def test_nothing_is_brought_where_the_film_shows_something_else():
    one, other = texture(seed=1), texture(seed=2)
    painted, last = np.full_like(one, 200), np.full_like(one, 20)
    same = steady.Blend()(one, painted, one, last)
    assert same.mean() < 130  # broad differences follow sooner than fine ones, and yet
    assert np.abs(steady.Blend()(other, painted, one, last).astype(int) - 200).mean() < 10


def test_flow_is_trusted_by_its_length_and_not_at_the_edge_of_what_moves():
    frame = np.full([40, 60, 3], 128, np.uint8)  # flat: frames look alike wherever the flow leads

    def trust(length, astray):
        back = np.zeros([40, 60, 2], np.float32)
        back[:, 30:, 0] = length
        return steady.trust(frame, frame, back, -back + np.float32([astray, 0]))

    fast, slow, still = trust(-16.0, 0.0), trust(-16.0, 1.9), trust(-0.05, 1.9)
    assert fast[:, :26].min() == 1 and fast[:, 50:].min() == 1  # between them it returns to another place
    assert fast[:, 29:31].max() < 0.4
    assert slow[:, 50:].min() == 1 and slow[:, :10].max() == 0 and still.max() == 0


def test_a_change_of_light_is_followed_within_a_few_frames():
    frame, blend = texture(), steady.Blend()
    result = np.full_like(frame, 50)
    for _ in range(8):
        result = blend(frame, np.full_like(frame, 150), frame, result)
    assert result.min() > 145


def test_cuts_are_where_another_clip_begins_and_not_in_a_pan_or_a_flash():
    park, street = texture(64, 256, 1) // 2, texture(64, 256, 2) // 2 + 120
    pan = [park[:, 8 * step:8 * step + 96] for step in range(8)]
    other = [street[:, 8 * step:8 * step + 96] for step in range(4)]
    film = pan + other
    assert [shots.is_cut(*pair) for pair in zip(film, film[1:])] == [False] * 7 + [True] + [False] * 3
    assert not shots.is_cut(pan[0], np.clip(pan[0].astype(int) + 20, 0, 255).astype(np.uint8))


def affines(value):
    return [Affine(np.float32([value]), np.float32([-value]))]


def test_statistics_go_towards_what_is_measured_and_begin_anew_at_a_cut():
    measured = []

    def measure():
        measured.append(affines(1.0 if len(measured) < 2 else 5.0))
        return measured[-1]

    pinned, values = None, []
    for number in range(96):
        pinned = statistics.follow(pinned, number, number == 61, measure)
        values.append(float(pinned.current[0].scale[0]))
    assert len(measured) == 5  # frames 0, 24, 48, 61 and 72
    assert values[:48] == [1.0] * 48 and values[60] < 3 and values[61] == 5.0
    assert max(np.diff(values[:61])) == pytest.approx(0.4, abs=1e-6)  # a tenth of the way
    again = statistics.of_arrays(statistics.to_arrays(pinned))
    assert again.current[0].shift == pinned.current[0].shift and again.measured[0].scale == 5.0


@pytest.fixture(scope='module')
def film(tmp_path_factory):
    """A film of two clips, 30 frames and 30: its Film."""
    from resnet_in_tf.video import ffmpeg
    folder = tmp_path_factory.mktemp('cut')
    first = make(folder / 'a.mkv', seconds=1.2, sound=0, flags=['-c:v', 'ffv1'])
    other = ['-f', 'lavfi', '-i', 'mandelbrot=s=48x32:r=25']
    path = str(folder / 'both.mkv')
    status, text = ffmpeg.run(['-i', first] + other + [
        '-filter_complex', '[1:v]trim=duration=1.2,negate,format=yuv444p[b];'
        '[0:v]format=yuv444p[a];[a][b]concat',
        '-c:v', 'ffv1', path])
    assert not status, text
    return probing.probe(path)


@pytest.mark.parametrize('system', ['resnet_in', 'resnet_any'])
def test_a_shot_has_its_own_statistics_whatever_frames_run_at_once(film, system, tmp_path_factory):
    path = networks.write_random(tmp_path_factory.mktemp('network') / 'tiny.pb', system=system)
    from resnet_in_tf.video.decoding import Decoder
    with Stylizer(path) as stylizer:
        weights = stylizer.style_weights('1')

        def run(at_once, skip=0, last=None, state=None, count=100, mode=results.FLOW):
            painter = Painter(stylizer, weights, film, 2 ** 31, pins=mode != results.NONE)
            painter.at_once = at_once
            frames = results.paint(Decoder(film), painter, skip, last, state, mode)
            found = [each for each, _ in zip(frames, range(count))]
            frames.close()
            painter.close()
            return found

        whole = run(4)
        assert len(whole) == 60 and [state.pinned.current is state.pinned.measured
                                     for _, _, state in whole].index(True, 4) == 30
        steps = [one[2].pinned is other[2].pinned for one, other in zip(whole, whole[1:])]
        assert steps[:3] == [True] * 3 and not steps[3] and not steps[29] and steps[30]
        # What was kept after frame 24, through a record and back, gives the same from there on.
        state = results.of_arrays(results.to_arrays(whole[23][2]))
        for again in (run(4, 24, whole[23][1], state), run(3, 24, whole[23][1], state)):
            assert [time for _, time, _ in again] == [time for _, time, _ in whole[24:]]
            for (one, _, _), (other, _, _) in zip(again, whole[24:]):
                assert np.abs(one.astype(int) - other).max() <= 1
        # A shot begins as a film does.
        frames = [pixels for pixels, _, _ in whole]
        plain = [pixels for pixels, _, _ in run(4, mode=results.NONE)]
        assert np.abs(frames[0].astype(int) - plain[0]).max() <= 1
        assert np.abs(frames[30].astype(int) - plain[30]).max() <= 1
        assert np.abs(frames[29].astype(int) - plain[29]).max() > 1


def test_frames_of_odd_sizes_and_in_tiles_share_statistics(tmp_path_factory):
    path = networks.write_random(tmp_path_factory.mktemp('network') / 'tiny.pb')
    photo = texture(61, 83)
    with Stylizer(path) as stylizer:
        weights = stylizer.style_weights('1')
        film = probing.Film('x', 83, 61, 1, 25, '1/1', 'auto', (), 1, 1, None)
        painter = Painter(stylizer, weights, film, 2 ** 31, pins=True)
        plain = painter.paint(photo[None], None)[0]
        affines = painter.measure(photo)
        np.testing.assert_allclose(painter.paint(photo[None], affines)[0], plain, atol=0.05)
        painter.tile = 256 ** 2
        np.testing.assert_allclose(painter.paint(photo[None], affines)[0], plain, atol=0.55)
        painter.exact = True
        np.testing.assert_allclose(painter.measure(photo)[0].scale, affines[0].scale, rtol=1e-3)
        painter.close()
