"""`python -m resnet_in_tf.instance_norm.build`: compiles the kernels ahead of their first use."""

import argparse
import sys

import tensorflow.compat.v1 as tf

from resnet_in_tf.instance_norm import compiler
from resnet_in_tf.instance_norm.cache import build


def main(arguments=None):
    parser = argparse.ArgumentParser(prog='python -m resnet_in_tf.instance_norm.build',
                                     description='Compiles the instance-norm kernel ahead of time.')
    parser.add_argument('--gpu', choices=('auto', 'yes', 'no'), default='auto',
                        help='CUDA kernels too; auto: where nvcc is and TensorFlow has CUDA')
    parser.add_argument('--again', action='store_true', help='compile even what is built already')
    flags = parser.parse_args(arguments)
    possible = tf.test.is_built_with_cuda() and compiler.find_cuda() is not None
    wanted = {'no': [False], 'yes': [False, True], 'auto': [False, True] if possible else [False]}
    try:
        for gpu in wanted[flags.gpu]:
            print('built %s' % build(gpu, flags.again))
    except compiler.BuildError as error:
        print('error: %s' % error, file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
