"""Any picture as a style: alone, in a mix, with named styles, and what is said where that cannot be."""

import os
import shutil

import networks
import numpy as np
import pytest
import running

from resnet_in_tf.errors import UserError
from resnet_in_tf.instance_norm import cache as kernel_cache
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import gallery, style_images
from resnet_in_tf.restyling.stylizer import Stylizer


@pytest.fixture(scope='module', autouse=True)
def cache(tmp_path_factory):
    """A cache of this module's own, which holds the kernel."""
    folder = str(tmp_path_factory.mktemp('cache'))
    shutil.copy(kernel_cache.build(), folder)
    before = os.environ.get('RESNET_IN_TF_CACHE')
    os.environ['RESNET_IN_TF_CACHE'] = folder
    yield folder
    del os.environ['RESNET_IN_TF_CACHE']
    if before is not None:
        os.environ['RESNET_IN_TF_CACHE'] = before


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return networks.write_any(tmp_path_factory.mktemp('any') / 'any.pb', 2, training={'style_size': 40})


@pytest.fixture(scope='module')
def network(model):
    opened = Stylizer(model, impl='reference')
    yield opened
    opened.close()


def test_a_picture_alone_is_a_style(network, photo, paintings):
    one, other = [network.stylize(photo, network.style_weights(None, images=[path])) for path in paintings]
    assert one.shape == photo.shape and np.isfinite(one).all() and abs(one - other).mean() > 5


def test_weights_make_a_mix_of_the_rows(network, paintings):
    names = len(network.style_names)
    first, second = [network.style_weights(None, images=[path]) for path in paintings]
    assert (first[:names] == 0).all()
    mixed = network.style_weights(None, images=[paintings[0] + ':3', paintings[1]])
    assert mixed == pytest.approx(.75 * first + .25 * second, rel=1e-4, abs=1e-5)
    both = network.style_weights('udnie:3', .5, [paintings[0]])
    assert both[:names] == pytest.approx([0, .375, .5])
    assert both[names:] == pytest.approx(.125 * first[names:], rel=1e-4, abs=1e-5)


def test_a_gallery_shows_pictures_as_styles(network, photo, paintings, tmp_path):
    made = list(gallery.make(network, photo, str(tmp_path), photo.shape[1], style_images=paintings[:1]))
    assert [os.path.basename(path) for path in made] == ['styles.jpg', 'strength.jpg', 'style_images.jpg']
    painted = network.stylize(photo, network.style_weights(None, images=paintings[:1]))
    shown = images.read(made[-1])[:photo.shape[0], photo.shape[1] + gallery.GAP:]
    assert np.abs(shown - np.clip(painted, 0, 255)).mean() < 8  # it is a JPEG


def test_strength_zero_is_the_photo(network, photo, paintings):
    assert (network.stylize(photo, network.style_weights(None, 0, paintings)) == photo).all()


def test_several_pictures_of_one_size_are_painted_alike(network, photo, paintings):
    style = network.style_weights('wave', .8, paintings)
    both = network.stylize(np.stack([photo, photo[::-1]]), style)
    assert both[0] == pytest.approx(network.stylize(photo, style), abs=0.05)


def test_a_row_is_made_once_for_what_is_in_a_picture(network, paintings, tmp_path, monkeypatch):
    made = []
    rows = style_images.StyleImages(lambda painting: made.append(painting.shape) or np.zeros(3), {})
    copy = str(tmp_path / 'copy.png')
    shutil.copy(paintings[0], copy)
    for path in (paintings[0], copy, paintings[0], paintings[1]):
        assert rows.row(path).shape == (3,)
    assert made == [(60, 80, 3), (60, 80, 3)]
    images.write(copy, np.eye(3, dtype=np.uint8)[:2, :, None] * [90, 60, 30])
    rows.row(copy)
    assert len(made) == 3
    monkeypatch.setattr(style_images, 'MOST_ROWS', 3)
    images.write(copy, np.eye(3, dtype=np.uint8)[:2, :, None] * [60, 90, 30])
    rows.row(copy)
    assert len(rows.rows) == 3 and len(made) == 4
    rows.row(paintings[0])  # the oldest had made room
    assert len(made) == 5


def test_paintings_are_seen_at_the_size_of_training(network, model, paintings, monkeypatch):
    seen = []
    monkeypatch.setattr(network.style_images, 'predict', lambda painting: seen.append(painting.shape))
    monkeypatch.setattr(network.style_images, 'rows', {})
    monkeypatch.setattr(network.style_images, 'checksum', None)
    network.style_images.row(paintings[0])
    assert seen == [(30, 40, 3)]


@pytest.mark.parametrize('text, path, amount', [
    ('a.jpg', 'a.jpg', 1), ('a.jpg:0.7', 'a.jpg', .7), ('a.jpg:0', 'a.jpg', 0), ('b:2.png', 'b:2.png', 1),
    ('b:2.png:3', 'b:2.png', 3), ('c:x', 'c:x', 1), ('none.jpg:nan', 'none.jpg:nan', 1)])
def test_a_weight_stands_behind_the_last_colon(tmp_path, monkeypatch, text, path, amount):
    monkeypatch.chdir(tmp_path)
    for name in ('a.jpg', 'b:2.png'):
        (tmp_path / name).write_bytes(b'')
    assert style_images.parse_image(text) == (path, amount)


@pytest.mark.parametrize('weight', ['-1', 'x', 'nan', '1e9', ''])
def test_a_weight_that_is_none_is_one_line(tmp_path, weight):
    path = str(tmp_path / 'a.jpg')
    with open(path, 'wb'):
        pass
    with pytest.raises(UserError, match='^--style_image .*the weight must be a number from 0 up'):
        style_images.parse_image(path + ':' + weight)


def test_what_cannot_be_is_one_line(network, paintings, tmp_path, tiny_model):
    (tmp_path / 'text.jpg').write_text('no picture')
    for images_, words in (([str(tmp_path / 'none.jpg')], 'none.jpg'),
                           ([str(tmp_path / 'text.jpg')], 'text.jpg'),
                           ([paintings[0] + ':0'], '--style_image .*sum to zero')):
        with pytest.raises(UserError, match=words) as caught:
            network.style_weights(None, images=images_)
        assert '\n' not in str(caught.value)
    with pytest.raises(UserError, match="^--style monet: this network has no style 'monet'"):
        network.style_weights('monet', images=paintings)
    with pytest.raises(UserError, match='^--strength 2 is not between'):
        network.style_weights(None, 2, paintings)
    plain = Stylizer(tiny_model)
    with pytest.raises(UserError, match='^--style_image .*tiny.pb makes no style from a picture; train.py '
                                        '--styles_dir'):
        plain.style_weights(None, images=paintings)
    plain.close()


def test_stylize_script_takes_pictures_as_styles(model, paintings, photo, tmp_path, tiny_model):
    source, out = str(tmp_path / 'photo.png'), str(tmp_path / 'out.png')
    images.write(source, photo)

    def command(model, output, *flags):
        return ['stylize.py', '--model', model, '--input', source, '--output', output] + list(flags)
    alone, mixed, own, missing, naas = running.many([
        command(model, out, '--style_image', paintings[0]),
        command(model, str(tmp_path / 'mixed.png'), '--style_image', paintings[0] + ':0.7', '--style_image',
                paintings[1], '--style', 'wave:0.5', '--strength', '0.6'),
        command(model, paintings[0], '--style_image', paintings[0] + ':0.7', '--overwrite'),
        command(tiny_model, str(tmp_path / 'x.png'), '--style_image', paintings[0]),
        ['stylize.py', '--system', 'naas', '--input', source, '--output', str(tmp_path / 'x.png'),
         '--style_image', paintings[0], '--style_image', paintings[1]]])
    assert alone.returncode == mixed.returncode == 0, alone.stderr + mixed.stderr
    opened = Stylizer(model)
    expected = opened.stylize(photo, opened.style_weights(None, images=paintings[:1]))
    opened.close()
    assert images.read(out) == pytest.approx(np.clip(expected, 0, 255), abs=1.0)
    assert (images.read(str(tmp_path / 'mixed.png')) != images.read(out)).any()
    for result, words in ((own, 'would take the place of'), (missing, 'makes no style from a picture'),
                          (naas, 'one --style_image')):
        assert result.returncode == 2 and result.stderr.count('\n') == 1 and words in result.stderr
    assert not os.path.exists(str(tmp_path / 'x.png'))
