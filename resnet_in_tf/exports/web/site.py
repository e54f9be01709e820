"""The folder of static files: the server's page, with the network in the browser in the server's place."""

import hashlib
import json
import os

import numpy as np

from resnet_in_tf import files
from resnet_in_tf.errors import UserError
from resnet_in_tf.exports import check
from resnet_in_tf.exports.web import network as networks
from resnet_in_tf.exports.web import packages, painter
from resnet_in_tf.network import frozen
from resnet_in_tf.pictures import sample

PAGE = os.path.join(os.path.dirname(os.path.abspath(files.__file__)), 'server', 'static')
SHARED = ('preview.js', 'paintings.js', 'looks.js', 'app.js', 'regions.js', 'live.js', 'where.js',
          'style.css', 'icon.svg', 'sample.jpg')  # with the server
OWN = ('backend.js', 'worker.js', 'network.js', 'painter.js', 'palette.js', 'tiles.js')
SERVER_SCRIPT, OWN_SCRIPT = 'static/server.js', 'static/device/backend.js'
# The page loads nothing from, and sends nothing to, others; a static server sends no headers of its own.
POLICY = ("default-src 'self'; img-src 'self' blob: data:; connect-src 'self' blob:; base-uri 'none'; "
          "form-action 'none'")
HALF_LIMIT = 1.0  # grey levels: kernels of half the bytes are taken where they cost no more
PIXELS = 512 * 512  # of one pass; a larger photo runs in tiles of so many
RESULT_PIXELS = 4096 * 4096  # where the canvas of Safari ends


def write(graph_def, style_names, card, output):
    """Writes a page that restyles photos in the browser, compared with the .pb before it takes its place.

    Args:
        graph_def, style_names, card: as frozen.read_graph gives them. A style predictor stays behind.
        output: the folder to write; it must not exist.

    Returns:
        List of one check.Written.

    Raises:
        UserError: as in exports.export; or npm does not get onnxruntime-web.
    """
    output = os.path.normpath(output)
    if os.path.lexists(output):
        raise UserError('--output %s: is there already; name a new folder' % output)
    graph_def = frozen.generator_of(graph_def)
    network, worst = smallest(graph_def, style_names, output)
    contents = page_files(graph_def, style_names, card, network)
    parent = os.path.dirname(os.path.abspath(output))
    try:
        os.makedirs(parent, exist_ok=True)
        with files.scratch_folder(parent) as scratch:
            made = os.path.join(scratch, 'made')
            for name, data in contents.items():
                path = os.path.join(made, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, 'wb') as file:
                    file.write(data)
            os.rename(made, output)
    except OSError as error:
        raise UserError('%s: cannot be written (%s)' % (output, error.strerror or error)) from error
    return [check.Written(output, sum(map(len, contents.values())), worst)]


def smallest(graph_def, style_names, output):
    """The network in float16 where that is close enough, else in float32: (Network, difference)."""
    for dtype, limit in ((np.float16, HALF_LIMIT), (np.float32, check.LIMIT)):
        network = networks.build(graph_def, dtype)
        worst = painter.difference(network, graph_def, style_names)
        if worst <= limit:
            break
    check.require_close(output, worst)
    return network, worst


def page_files(graph_def, style_names, card, network):
    """All files of the folder: dict from paths to bytes."""
    runtimes = packages.runtime_files()
    large = {'network/whole.onnx': network.whole, 'network/tiles.onnx': network.tiles,
             'network/' + networks.WEIGHTS: network.weights, 'network/styles.bin': network.table.tobytes()}
    scripts = {'onnxruntime/' + as_js(name): data for name, data in runtimes.items() if name.endswith('.mjs')}
    large.update({'onnxruntime/' + name: data for name, data in runtimes.items() if name.endswith('.wasm')})
    page = {'index.html': page_html(), 'network/card.json': as_json(dict(card, style_names=style_names)),
            'onnxruntime/LICENSE.txt': read('device', 'onnxruntime-LICENSE.txt')}
    page.update(scripts)
    page.update({'static/' + name: read(name) for name in SHARED})
    page.update({'static/device/' + name: read('device', name) for name in OWN})
    page.update({'thumbnails/%d.jpg' % number: data
                 for number, data in enumerate(thumbnails(graph_def, style_names), 1)})
    site = {
        'styles': [{'number': number, 'name': name, 'thumbnail': 'thumbnails/%d.jpg' % number}
                   for number, name in enumerate(style_names[:-1], 1)],
        'palettes': None if network.palettes is None else network.palettes.astype(float).tolist(),
        'pixels': PIXELS, 'result_pixels': RESULT_PIXELS, 'weights': networks.WEIGHTS,
        'files': {name: described('network/' + file, large) for name, file in (
            ('whole', 'whole.onnx'), ('tiles', 'tiles.onnx'), ('weights', networks.WEIGHTS),
            ('styles', 'styles.bin'))},
        'runtimes': {name: {'script': 'onnxruntime/' + as_js(script), 'glue': 'onnxruntime/' + as_js(glue),
                            'wasm': described('onnxruntime/' + wasm, large)}
                     for name, (script, glue, wasm) in packages.RUNTIMES.items()}}
    # What a visitor's browser keeps goes by the contents of all: a new export is fetched anew.
    whole = hashlib.sha256(as_json(site))
    for name in sorted(page):
        whole.update(name.encode() + hashlib.sha256(page[name]).digest())
    site['cache'] = 'restyle ' + whole.hexdigest()[:16]
    page['site.json'] = as_json(site)
    # Licence and card are there for people; the page itself does without.
    kept = ['./'] + sorted(name for name in page if not name.endswith(('LICENSE.txt', 'card.json')))
    worker = b'const SITE = %s;\n' % as_json({'cache': site['cache'], 'page': kept})
    return dict(page, **dict(large, **{'service_worker.js': worker + read('device', 'service_worker.js')}))


def page_html():
    """The server's page with the network's script and a policy in it: bytes."""
    text = read('index.html').decode()
    for old, new in ((SERVER_SCRIPT, OWN_SCRIPT), (
            '<title>', '<meta http-equiv="Content-Security-Policy" content="%s">\n<title>' % POLICY)):
        if text.count(old) != 1:
            raise ValueError('index.html: %s is not there once' % old)
        text = text.replace(old, new)
    return text.encode()


def thumbnails(graph_def, style_names):
    """The sample photo in every style: list of bytes, a square JPEG a style."""
    square = sample.square()[None].astype(np.float32)
    with check.reference(graph_def) as run:
        return [sample.thumbnail(run(square, weights[None])[0])
                for weights in np.eye(len(style_names), dtype=np.float32)[:-1]]


def described(path, contents):
    """What the page is told of a file: path, bytes, checksum."""
    data = contents[path]
    return {'path': path, 'bytes': len(data), 'sha256': hashlib.sha256(data).hexdigest()}


def as_js(name):
    """A module's name as every server knows its type."""
    return name[:-len('.mjs')] + '.js'


def as_json(value):
    """JSON as bytes, the same ones each time."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True).encode()


def read(*parts):
    """The bytes of a file of the page."""
    with open(os.path.join(PAGE, *parts), 'rb') as file:
        return file.read()
