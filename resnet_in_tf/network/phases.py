"""Kernels over a small picture for what a 3x3 convolution does to its interpolation to twice the size.

Interpolation to twice the size u of x is u[2i] = x[i] and u[2i+1] = (x[i] + x[i+1]) / 2. A 3x3
convolution behind it is linear in three rows of x where its output row is even, in two where it is
odd, and the same of columns.
"""

import numpy as np

# Shares of u[2i-1], u[2i], u[2i+1] in x[i-1], x[i], x[i+1], and of u[2i], u[2i+1], u[2i+2] in
# x[i], x[i+1].
EVEN = np.array([[0.5, 0, 0], [0.5, 1, 0.5], [0, 0, 0.5]], np.float32)
ODD = np.array([[1, 0.5, 0], [0, 0.5, 1]], np.float32)
# Even and odd columns side by side in the channels, both over x[i-1], x[i], x[i+1]: [2, 3, 3].
COLUMNS = np.stack([EVEN, np.pad(ODD, [(1, 0), (0, 0)], 'constant')])
# Shares of a 3x3 kernel's numbers in a 3x3 kernel over x, for each of the four positions of u that begin at
# one of x: [36, 9].
PHASES = np.einsum('pya,qxb->pqyxab', COLUMNS, COLUMNS).reshape(36, 9)
