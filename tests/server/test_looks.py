"""The fields brush and match_color: what they give, what they cost, and where they end."""

import io

import networks
import numpy as np
import pytest
from PIL import Image
from server_process import Server, error_of

from resnet_in_tf.pictures import brush, images
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf.server import parameters, problems, restyling

LIMITS = restyling.Limits(20000000, 50000000, 40000, 60, 1, 8, 260000000)


@pytest.fixture(scope='module')
def network(tmp_path_factory):
    return networks.write_random(tmp_path_factory.mktemp('network') / 'any.pb', 'resnet_any')


@pytest.fixture(scope='module')
def photo(face):
    """A PNG of 160x120."""
    return images.encode(images.resize(face, 160, 120), 'PNG')


def test_a_result_is_that_of_stylize(network, photo):
    server = Server(network)
    try:
        answers = {query: server.stylize(photo, query + '&format=png') for query in (
            'brush=2&match_color=photo:0.5', 'brush=fixed:200&preserve_color=1',
            'match_color=painting&style=2')}
        bad = {query: server.stylize(photo, query) for query in (
            'brush=3', 'brush=fixed:9', 'match_color=blue', 'match_color=photo&preserve_color=true',
            'match_color=painting&strength=0')}
    finally:
        server.stop()
    with Stylizer(network) as stylizer:
        pixels = images.decode(photo, 'photo')
        for query, options in zip(answers, (
                {'brush': 2, 'match_color': 'photo:0.5'}, {'brush': 'fixed:200', 'preserve_color': True},
                {'match_color': 'painting', 'style': 2})):
            status, _, body = answers[query]
            made = np.asarray(stylizer.restyle(pixels, **options)).astype(int)
            assert status == 200 and np.abs(np.array(Image.open(io.BytesIO(body))) - made).max() <= 1
    for query, (status, _, body) in bad.items():
        code, message = error_of(body)
        assert (status, code) == (400, 'bad_parameter') and message.startswith(query.split('=')[0])


def asked(width, height, text, size=None, max_result=LIMITS.max_result):
    buffer = io.BytesIO()
    Image.new('L', (width, height)).save(buffer, 'PNG')
    return restyling.result_size(buffer.getvalue(), size, LIMITS._replace(max_result=max_result),
                                 brush.parse(text))


def test_broad_strokes_cost_less_and_fine_ones_more():
    (size, plain), (_, broad), (_, fine) = [asked(100, 80, text) for text in (None, '2', '0.5')]
    assert size == (100, 80) and plain == pytest.approx(8000 + restyling.DECODE_COST * 8000)
    assert broad - plain == pytest.approx(-6000 + restyling.FINISH_COST * 8000)
    assert fine - plain == pytest.approx(24000 + restyling.FINISH_COST * 8000)
    assert asked(100, 80, 'fixed:200')[1] == pytest.approx(fine)


def test_what_is_painted_fits_into_memory_as_a_result_does():
    assert asked(400, 300, None)[0] == asked(400, 300, '2')[0] == (230, 173)
    size = asked(400, 300, '0.5')[0]
    assert size[0] == 115 and 4 * size[0] * size[1] <= LIMITS.max_result
    with pytest.raises(problems.Problem, match='size=115 or less'):
        asked(400, 300, '0.5', 200)
    with pytest.raises(problems.Problem, match='fixed:500 takes more pixels .* fixed:230 or less does'):
        asked(400, 300, 'fixed:500')
    assert asked(400, 300, 'fixed:230')[0] == (230, 173)


def test_a_network_without_palettes_says_so_before_any_work():
    order = parameters.read([('match_color', 'painting')], ['wave', 'identity'])
    engine = type('Engine', (), {'name': 'onnxruntime', 'graph_def': None})
    with pytest.raises(problems.Problem, match='^match_color painting: an .onnx tells no palettes'):
        restyling.check_colors(order, engine)
    restyling.check_colors(order._replace(match_color=('photo', 1.0)), engine)
