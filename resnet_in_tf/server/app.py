"""The WSGI application: addresses, and what each of them answers."""

import logging
import time

from flask import Flask, Response, g, jsonify, request, send_from_directory, url_for
from werkzeug.exceptions import HTTPException

from resnet_in_tf.server import openapi, parameters, problems, restyling
from resnet_in_tf.server.metrics import Metrics

logger = logging.getLogger(__name__)

ROUTINE = ('/healthz', '/metrics')  # asked every few seconds: not worth a line in the log

# The page is of one piece with the server: it loads nothing from, and sends nothing to, others.
HEADERS = {
    'Content-Security-Policy': "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; "
                               "form-action 'none'; frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
}


def create_app(stylizer, places, limits):
    """Builds the application.

    Args:
        stylizer: Stylizer.
        places: jobs.Places in which pictures are worked on.
        limits: restyling.Limits.

    Returns:
        flask.Flask.
    """
    app = Flask(__name__, static_folder=None)
    app.config['MAX_CONTENT_LENGTH'] = limits.max_upload
    metrics = Metrics(places)
    # In a place, so that the pace of this network and machine is known from the start.
    thumbnails = places.run(lambda: restyling.thumbnails(stylizer),
                            len(stylizer.styles) * restyling.THUMBNAIL ** 2, float('inf'),
                            lambda: False)
    document = openapi.document(limits)

    @app.route('/v1/stylize', methods=['POST'])
    def stylize():
        photo, given = read_request()
        order = parameters.read(given, stylizer)
        size = restyling.result_size(photo, order.size, limits)

        def work():
            with metrics.work_seconds.time():
                return restyling.restyle(stylizer, photo, order, size, limits)

        is_gone = request.environ.get('waitress.client_disconnected', lambda: False)
        picture = places.run(work, size[0] * size[1], limits.seconds, is_gone)
        return Response(picture, mimetype=parameters.FORMATS[order.format])

    @app.route('/v1/styles')
    def styles():
        return jsonify(
            styles=[{'number': number, 'name': name,
                     'thumbnail': url_for('thumbnail', number=number)}
                    for number, name in enumerate(stylizer.styles, 1)],
            limits={'upload_bytes': limits.max_upload, 'photo_pixels': limits.max_pixels,
                    'result_pixels': limits.max_result, 'seconds': limits.seconds})

    @app.route('/v1/styles/<int:number>/thumbnail')
    def thumbnail(number):
        if not 1 <= number <= len(thumbnails):
            raise problems.Problem(404, 'not_found', 'no such style; /v1/styles lists them')
        response = Response(thumbnails[number - 1], mimetype='image/jpeg')
        response.add_etag()
        response.headers['Cache-Control'] = 'no-cache'  # asked for again, sent when changed
        return response.make_conditional(request)

    @app.route('/healthz')
    def healthz():
        if places.stopping:
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

    @app.before_request
    def start():
        g.started = time.monotonic()

    @app.after_request
    def finish(response):
        seconds = time.monotonic() - g.started
        metrics.count(request.url_rule.rule if request.url_rule else 'none',
                      response.status_code, seconds)
        level = logging.DEBUG if request.path in ROUTINE else logging.INFO
        logger.log(level, '%s %s %d %.2f s', request.method, request.path, response.status_code,
                   seconds)
        response.headers.update(HEADERS)
        return response

    @app.errorhandler(problems.Problem)
    def answer_problem(problem):
        return Response(problem.body(), problem.status, problem.headers,
                        mimetype='application/json')

    @app.errorhandler(HTTPException)
    def answer_http_error(error):
        if error.code and error.code < 400:
            return error
        if error.code == 413:
            return answer_problem(problems.upload_too_large(limits))
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
    """The photo's bytes and the parameters of the request at hand.

    Returns:
        (bytes, list of (name, text)).

    Raises:
        problems.Problem: a form without a photo.
    """
    given = list(request.args.items(multi=True))
    if request.mimetype != 'multipart/form-data':
        return request.get_data(cache=False), given
    given += request.form.items(multi=True)
    files = list(request.files.items(multi=True))
    if [name for name, _ in files] != ['photo']:
        raise problems.parameter('photo: the form must hold one file, in the field photo')
    return files[0][1].read(), given
