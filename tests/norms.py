"""What instance norm and its gradient are, in float64."""

import numpy as np

EPSILON = 1e-5


def closed_form(x, gamma, beta, relu, dy):
    """Formula (11) and its gradient: [y, dx, dgamma, dbeta]; x and dy are [N, positions, C]."""
    x, dy = x.astype(np.float64), dy.astype(np.float64)
    inverse = 1 / np.sqrt(x.var(1, keepdims=True) + EPSILON)
    normal = (x - x.mean(1, keepdims=True)) * inverse
    scale = gamma.reshape(-1, 1, x.shape[2])
    y = normal * scale + beta.reshape(-1, 1, x.shape[2])
    g = dy * (y > 0) if relu else dy
    dgamma, dbeta = (g * normal).sum(1), g.sum(1)
    dx = scale * inverse * (g - g.mean(1, keepdims=True) - normal * (g * normal).mean(1, keepdims=True))
    return [np.maximum(y, 0) if relu else y, dx] + [
        each if parameter.ndim == 2 else each.sum(0)
        for each, parameter in ((dgamma, gamma), (dbeta, beta))]
