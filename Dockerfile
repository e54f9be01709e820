# The image that trains, freezes, stylizes, serves and evaluates. How to use it: docs/docker.md
ARG BASE_IMAGE=tensorflow/tensorflow:1.15.0-gpu-py3
FROM ${BASE_IMAGE}

SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
ENV LANG=C.UTF-8 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# NVIDIA changed its apt key in 2022: the lists in older images fail every `apt-get update`.
RUN rm -f /etc/apt/sources.list.d/cuda*.list /etc/apt/sources.list.d/nvidia-ml*.list \
    && apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        ca-certificates curl g++ gnupg python3-dev python3-pip \
    && rm -rf /var/lib/apt/lists/*

# The TensorFlow image has no nvcc, so the op's CUDA kernels are left out and GPUs run the
# reference form. `--build-arg WITH_NVCC=1` brings CUDA 10.0's.
ARG WITH_NVCC=0
ARG CUDA_APT=https://developer.download.nvidia.com/compute/cuda/repos/ubuntu1804/x86_64
RUN if [ "${WITH_NVCC}" = 1 ]; then \
        curl -fsSL "${CUDA_APT}/3bf863cc.pub" | apt-key add - \
        && echo "deb ${CUDA_APT} /" > /etc/apt/sources.list.d/cuda.list \
        && apt-get update \
        && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
            cuda-nvcc-10-0 cuda-cudart-dev-10-0 \
        && rm -rf /var/lib/apt/lists/* /etc/apt/sources.list.d/cuda.list; \
    fi

# pip first and alone: an older one does not see the wheels. These are the last for Python 3.6.
RUN python3 -m pip install pip==21.3.1 \
    && python3 -m pip install setuptools==59.6.0 wheel==0.37.1

WORKDIR /opt/resnet_in_tf

# What the package needs, before the package itself, so that a change of code does not install it
# again. setup.py holds the pins. The base image's TensorFlow must come out as it went in.
COPY setup.py ./
COPY resnet_in_tf/__init__.py resnet_in_tf/
# hadolint ignore=DL3013
RUN tensorflow() { python3 -c 'import tensorflow; print(tensorflow.__version__)'; } \
    && before="$(tensorflow)" \
    && python3 -m pip install '.[server,evaluation,onnx,training,video]' \
    && test "$(tensorflow)" = "${before}"

COPY resnet_in_tf resnet_in_tf
COPY scripts scripts
RUN python3 -m pip install --no-deps --force-reinstall .

# The instance-norm op, built ahead, where no volume hides it.
WORKDIR /data
ENV RESNET_IN_TF_KERNELS=/opt/resnet_in_tf/op
RUN python3 -m resnet_in_tf.instance_norm.build

COPY checkpoints /checkpoints
ENV RESNET_IN_TF_CHECKPOINTS=/checkpoints
COPY docker/entrypoint /usr/local/bin/entrypoint

# Open to any user id, so that `docker run --user "$(id -u)"` writes files of yours. Whoever comes first
# to a cache must not shut the next one out, so its folders are there. COPY keeps a private clone's modes.
RUN useradd --create-home --non-unique --uid 1000 artist \
    && mkdir -p /models /cache/keras/models /cache/matplotlib /cache/resnet_in_tf \
    && find /data /models /cache /home/artist "${RESNET_IN_TF_KERNELS}" -type d -exec chmod 1777 {} + \
    && chmod -R a+rX /checkpoints \
    && chmod 755 /usr/local/bin/entrypoint
# Only now: what ran as root above would have left files of root's there.
ENV HOME=/home/artist XDG_CACHE_HOME=/cache KERAS_HOME=/cache/keras MPLCONFIGDIR=/cache/matplotlib

VOLUME ["/data", "/models", "/cache"]
EXPOSE 8080
USER 1000
ENTRYPOINT ["entrypoint"]
CMD ["help"]
