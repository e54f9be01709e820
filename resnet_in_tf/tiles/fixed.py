"""What tiles ask of a network whose statistics are taken out, whatever runs it."""

import collections

Affine = collections.namedtuple('Affine', 'scale shift')  # float32 [C] each; of a palette [9] and [3]

Norm = collections.namedtuple('Norm', 'shifted epsilon')
Norm.__doc__ = """A normalization.

Fields:
    shifted: name of the step that gives its output, before any ReLU.
    epsilon: float, of formula (11).
"""

Step = collections.namedtuple('Step', 'sources factor')
Step.__doc__ = """One step of a network.

Fields:
    sources: list of names of the steps that it reads.
    factor: how many times fewer rows its output has than what it reads: 2, 1 or 0.5.
"""
