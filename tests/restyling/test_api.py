"""The three names for programs: what goes in, what comes out, and that it is what stylize.py makes."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import running
from PIL import Image

import resnet_in_tf
from resnet_in_tf import shipped
from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import pipeline, stylizer


@pytest.fixture(scope='module')
def network(random_model):
    with resnet_in_tf.Stylizer(random_model) as network:
        yield network


def run_python(code, *argv):
    return subprocess.check_output([sys.executable, '-c', code] + list(argv), cwd=running.ROOT).decode()


def test_the_package_is_imported_without_tensorflow_and_shows_its_names():
    shown = run_python("""
import sys, resnet_in_tf
assert {'Stylizer', 'restyle', 'styles'} <= set(dir(resnet_in_tf))
assert not hasattr(resnet_in_tf, 'nothing')
from resnet_in_tf import cli, shipped
assert not {'tensorflow', 'numpy', 'PIL'} & set(sys.modules)
from resnet_in_tf import *
assert restyle is resnet_in_tf.restyle and 'numpy' in sys.modules and 'tensorflow' not in sys.modules
print(resnet_in_tf.Stylizer.__module__)
""")
    assert shown == 'resnet_in_tf.restyling.stylizer\n'
    assert resnet_in_tf.Stylizer is stylizer.Stylizer  # one, not two of a name


def test_every_kind_of_photo_gives_the_same_picture(network, tmp_path, photo):
    path = str(tmp_path / 'a.png')
    images.write(path, photo)
    expected = np.rint(np.clip(network.stylize(photo, network.style_weights('udnie', .7)), 0, 255))
    for given in (path, pathlib.Path(path), Image.open(path), Image.fromarray(photo), photo):
        result = network.restyle(given, style='udnie', strength=.7)
        assert isinstance(result, Image.Image) and result.mode == 'RGB'
        assert np.array_equal(np.asarray(result), expected)


def test_it_is_what_the_script_makes(random_model, tmp_path, photo):
    path, out, exif = str(tmp_path / 'a.jpg'), str(tmp_path / 'out.png'), Image.Exif()
    exif[0x112] = 6
    Image.fromarray(photo).save(path, exif=exif.tobytes())
    result = running.script('stylize.py', '--model', random_model, '--input', path, '--output', out,
                            '--style=2:3,1:1', '--strength=.9', '--preserve_color')
    assert result.returncode == 0, result.stderr
    made = resnet_in_tf.restyle(path, style='2:3,1:1', strength=.9, preserve_color=True, model=random_model)
    assert made.size == (41, 53) and np.array_equal(np.asarray(made), images.read(out))


def test_transparency_stays(network, tmp_path, photo):
    alpha = np.resize(np.arange(256, dtype=np.uint8), photo.shape[:2])
    images.write(str(tmp_path / 'a.png'), photo, alpha=alpha)
    results = [network.restyle(given) for given in (str(tmp_path / 'a.png'), np.dstack([photo, alpha]))]
    for result in results:
        assert result.mode == 'RGBA' and np.array_equal(np.asarray(result)[..., 3], alpha)
    assert np.array_equal(*map(np.asarray, results))


def test_what_memory_is_too_little_for_runs_in_tiles(network, tmp_path, face, monkeypatch):
    large = face[100:400, 200:510]
    path = str(tmp_path / 'a.png')
    images.write(path, large)
    whole = np.asarray(network.restyle(large)).astype(int)
    monkeypatch.setattr(pipeline, 'pixels_in', lambda size, width, engine: 256 ** 2)
    monkeypatch.setattr(pipeline.row_files, 'pixels_in', lambda size, width, engine: 256 ** 2)
    tiles, fixed = [], network.engine.tiles
    monkeypatch.setattr(network, 'engine', network.engine._replace(tiles=lambda: tiles.append(1) or fixed()))
    transparent = np.dstack([large, large[..., :1] | 1])
    for given in (path, large, Image.fromarray(large), transparent):
        result = np.asarray(network.restyle(given, exact=True))
        assert abs(result[..., :3] - whole).max() <= 1
    assert np.array_equal(result[..., 3], transparent[..., 3]) and len(tiles) == 4


def test_too_little_memory_for_any_tile_is_an_error(network, face):
    for limit in ('1MB', 10 ** 6):
        with pytest.raises(UserError, match='^photo: --max_memory 1MB is too little'):
            network.restyle(face, max_memory=limit)
    with pytest.raises(UserError, match='--max_memory some is not a size'):
        network.restyle(face, max_memory='some')


def test_mistakes_are_one_line(network, tmp_path, photo, paintings, random_model):
    (tmp_path / 'text.jpg').write_text('no picture')
    missing = str(tmp_path / 'none.jpg')
    for given, options, words in (
            (missing, {}, missing + ': no such file'), (tmp_path / 'text.jpg', {}, 'text.jpg: not a picture'),
            (tmp_path, {}, 'is a folder'), (7, {}, 'photo: int is not taken'),
            (photo, {'style': 'monet'}, "no style 'monet'; it has 1 wave"),
            (photo, {'strength': 2}, '--strength 2 is not between'),
            (photo, {'style_image': paintings[0]}, 'makes no style from a picture')):
        with pytest.raises(UserError) as caught:
            network.restyle(given, **options)
        assert words in str(caught.value) and '\n' not in str(caught.value)
    with pytest.raises(UserError, match='No such file'):
        resnet_in_tf.restyle(photo, model=str(tmp_path / 'none.pb'))


def test_the_network_that_ships_runs_where_none_is_named(random_model, tmp_path, monkeypatch, photo):
    os.link(random_model, str(tmp_path / 'any.pb'))
    monkeypatch.setenv(shipped.VARIABLE, str(tmp_path))
    assert resnet_in_tf.styles() == resnet_in_tf.styles(random_model) == ['wave', 'udnie']
    assert resnet_in_tf.restyle(photo).size == (53, 41)
    with resnet_in_tf.Stylizer() as network:
        assert network.model == str(tmp_path / 'any.pb')
    network.close()  # once more does no harm


def test_a_photo_of_the_programs_own_stays_as_it_is(network, photo):
    array, image = photo.copy(), Image.fromarray(photo)
    image.info['exif'] = b''
    result = network.restyle(array)
    network.restyle(image)
    assert np.array_equal(array, photo) and np.array_equal(np.asarray(image), photo)
    result.putpixel((0, 0), (1, 2, 3))  # the result is its own, too
    assert np.array_equal(array, photo)
