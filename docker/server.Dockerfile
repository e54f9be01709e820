# The server alone, for files that strangers send: the newest Python, Pillow and h11, and no TensorFlow.
#   docker build -t resnet_in_tf_server -f docker/server.Dockerfile .
ARG BASE_IMAGE=python:3.13-slim
FROM ${BASE_IMAGE}

SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
ENV LANG=C.UTF-8 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /opt/resnet_in_tf

# What the package needs, before the package itself, so that a change of code does not install it
# again. `--no-cache` looks for newer releases.
COPY setup.py ./
COPY resnet_in_tf/__init__.py resnet_in_tf/
# hadolint ignore=DL3013
RUN python3 -m pip install '.[server]'

COPY resnet_in_tf resnet_in_tf
COPY scripts scripts
COPY checkpoints checkpoints
RUN python3 -m pip install --no-deps --force-reinstall . \
    && rm -r checkpoints
COPY docker/entrypoint /usr/local/bin/entrypoint

# Open to any user id, as the other image is.
RUN useradd --create-home --non-unique --uid 1000 artist \
    && mkdir -p /data /cache/resnet_in_tf \
    && find /data /cache /home/artist -type d -exec chmod 1777 {} + \
    && chmod 755 /usr/local/bin/entrypoint
ENV HOME=/home/artist XDG_CACHE_HOME=/cache
WORKDIR /data

VOLUME ["/data", "/cache"]
EXPOSE 8080
USER 1000
ENTRYPOINT ["entrypoint"]
CMD ["serve.py", "--host", "0.0.0.0"]
