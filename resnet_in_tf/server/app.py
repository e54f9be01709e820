"""The WSGI application: addresses, and what each of them answers."""

import gzip
import logging
import time

from flask import Flask, Response, g, jsonify, request, send_from_directory, url_for
from werkzeug.exceptions import HTTPException

from resnet_in_tf.pictures import sample
from resnet_in_tf.server import device as devices
from resnet_in_tf.server import (
    forms,
    masks,
    openapi,
    parameters,
    problems,
    restyling,
    security,
    style_images,
)

logger = logging.getLogger(__name__)

ROUTINE = ('/healthz', '/metrics')  # asked every few seconds: not worth a line in the log

def create_app(stylizer, jobs, limits, metrics, access, device=None):
    """Builds the application.

    Args:
        stylizer: Stylizer.
        jobs: jobs.JobQueue in which pictures are worked on.
        limits: restyling.Limits.
        metrics: metrics.Metrics.
        access: security.Access.
        device: device.Device that pages may run the network with, or None.

    Returns:
        flask.Flask.

    Raises:
        UserError: the device's network is another one.
    """
    app = Flask(__name__, static_folder=None)
    # Through the queue, so that the pace of this network and machine is known from the start.
    thumbnails = jobs.run(lambda: restyling.thumbnails(stylizer),
                          len(stylizer.styles) * sample.SIDE ** 2, float('inf'),
                          lambda: False)
    if device:
        devices.check_thumbnails(device, thumbnails)
    by_number = {str(number): picture for number, picture in enumerate(thumbnails, 1)}
    document = openapi.document(limits)

    @app.route('/v1/stylize', methods=['POST'])
    def stylize():
        photo, paintings, regions, given = read_request()
        style_images.check(len(paintings), limits)
        masks.check(len(regions), limits)
        order = parameters.read(given, stylizer.style_names, len(paintings), len(regions))
        restyling.check_colors(order, stylizer.engine)
        size, cost = restyling.result_size(photo, order.size, limits, order.brush)
        cost += style_images.cost(paintings, stylizer.style_images, limits)
        cost += masks.cost(regions, size, limits)

        def work():
            with metrics.work_seconds.time():
                rows = style_images.rows(paintings, stylizer.style_images, limits)
                style = masks.style(order, rows, regions, size, limits)
                return restyling.restyle(stylizer, photo, order._replace(style_weights=style), size, limits)

        is_gone = request.environ.get('resnet_in_tf.is_gone', lambda: False)
        picture = jobs.run(work, cost, limits.seconds, is_gone)
        return Response(picture, mimetype=parameters.FORMATS[order.format])

    @app.route('/v1/styles')
    def styles():
        return jsonify(
            styles=[{'number': number, 'name': name,
                     'thumbnail': url_for('thumbnail', number=number)}
                    for number, name in enumerate(stylizer.styles, 1)],
            device=devices.ADDRESS if device else '',
            limits={'upload_bytes': limits.max_upload, 'photo_pixels': limits.max_pixels,
                    'result_pixels': limits.max_result, 'seconds': limits.seconds,
                    'style_images': limits.style_images, 'masks': limits.masks,
                    'style_image_side': stylizer.style_images.size if limits.style_images else 0})

    @app.route('/v1/styles/<number>/thumbnail')
    def thumbnail(number):
        picture = by_number.get(number)
        if picture is None:
            raise problems.Problem(404, 'not_found', 'no such style; /v1/styles lists them')
        response = Response(picture, mimetype='image/jpeg')
        response.add_etag()
        response.headers['Cache-Control'] = 'no-cache'  # asked for again, sent when changed
        return response.make_conditional(request)

    @app.route('/healthz')
    def healthz():
        if jobs.stopping:
            raise problems.stopping()
        return jsonify(status='ok')

    @app.route('/metrics')
    def metrics_text():
        return Response(metrics.text(), content_type='text/plain; version=0.0.4; charset=utf-8')

    @app.route('/openapi.json')
    def openapi_json():
        return jsonify(document)

    @app.route('/')
    def index():
        return send_from_directory(restyling.STATIC, 'index.html', max_age=0)

    @app.route('/static/<path:name>')
    def static(name):
        return send_from_directory(restyling.STATIC, name, max_age=0)

    @app.route('/%s<path:name>' % devices.ADDRESS)
    def device_file(name):
        file = device.files.get(name) if device else None
        if file is None:
            raise problems.Problem(404, 'not_found', 'no such address; /openapi.json lists what there is')
        response = Response(file.packed, mimetype=file.mimetype)
        response.add_etag()
        response.headers['Content-Encoding'] = 'gzip'
        response.headers.update({'Cache-Control': 'no-cache', 'Vary': 'Accept-Encoding'})
        if 'gzip' not in request.accept_encodings:
            response.set_data(gzip.decompress(file.packed))
            del response.headers['Content-Encoding']
        return response.make_conditional(request)

    @app.before_request
    def start():
        g.started = time.monotonic()
        if request.path != '/healthz':  # probes ask by whatever address they know
            access.check(request.environ)

    @app.after_request
    def finish(response):
        seconds = time.monotonic() - g.started
        metrics.count(request.url_rule.rule if request.url_rule else 'none',
                      response.status_code, seconds)
        level = logging.DEBUG if request.path in ROUTINE else logging.INFO
        logger.log(level, '%s %s %d %.2f s', request.method, request.path, response.status_code,
                   seconds)
        response.headers.update(access.shared_with(request.environ))
        response.headers.update(security.WITH_DEVICE if device else {})
        return response

    @app.errorhandler(problems.Problem)
    def answer_problem(problem):
        return Response(problem.body(), problem.status, problem.headers,
                        mimetype='application/json')

    @app.errorhandler(HTTPException)
    def answer_http_error(error):
        if error.code and error.code < 400:
            return error
        response = answer_problem(problems.http(error))
        for name, value in error.get_headers():
            if name.lower() == 'allow':
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def answer_bug(error):
        logger.error('%s %s failed', request.method, request.path, exc_info=error)
        return answer_problem(problems.internal())

    return app


def read_request():
    """The photo's bytes, those of pictures as styles and of masks, and the parameters of the request at hand.

    Returns:
        (bytes, list of bytes, list of bytes, list of (name, text)).

    Raises:
        problems.Problem: a form without a photo.
    """
    given = list(request.args.items(multi=True))
    # Not by Flask: its limits count as one what is not, and its reader of forms has known holes.
    with request.environ['wsgi.input'] as stream:
        body = stream.read()
    content_type = request.headers.get('Content-Type', '')
    if content_type.partition(';')[0].strip().lower() != 'multipart/form-data':
        return body, [], [], given
    files, texts = {'photo': [], style_images.FIELD: [], masks.FIELD: []}, []
    for part in forms.parts(body, content_type):
        if part.is_file or part.name in (style_images.FIELD, masks.FIELD):
            files.setdefault(part.name, []).append(part.data)
        else:
            texts.append((part.name, parameters.text_of(part)))
    if len(files['photo']) != 1 or len(files) > 3:
        raise problems.parameter('photo: the form must hold one file in the field photo, beside those in '
                                 'style_image and mask')
    return files['photo'][0], files[style_images.FIELD], files[masks.FIELD], given + texts
