"""Each layer with einsum, Jacobians written out, and the chain rule step by step."""

import numpy as np


def linear_forward(input, weight, bias):
    return np.einsum("nj,kj->nk", input, weight) + bias[None], {"x": input, "w": weight}


def linear_backward(grad_output, cache):
    dx = np.einsum("nk,kj->nj", grad_output, cache["w"])
    dw = np.einsum("nk,nj->kj", grad_output, cache["x"])
    return dx, dw, np.einsum("nk->k", grad_output)


def relu_forward(input):
    return np.where(input > 0, input, 0.0), np.heaviside(input, 0.0)


def relu_backward(grad_output, cache):
    return np.einsum("nd,nd->nd", grad_output, cache)


def sigmoid_forward(input):
    return 0.5 * (1 + np.tanh(input / 2)), input


def sigmoid_backward(grad_output, cache):
    return grad_output * 0.25 * (1 - np.tanh(cache / 2) ** 2)


def tanh_forward(input):
    return np.tanh(input), input


def tanh_backward(grad_output, cache):
    return grad_output - grad_output * np.square(np.tanh(cache))


def softmax_forward(input):
    shifted = input - np.max(input, axis=-1)[:, np.newaxis]
    y = np.exp(shifted - np.log(np.sum(np.exp(shifted), axis=-1))[:, np.newaxis])
    return y, (y,)


def softmax_backward(grad_output, cache):
    (y,) = cache
    jacobian = np.einsum("ni,ij->nij", y, np.eye(y.shape[1])) - np.einsum("ni,nj->nij", y, y)
    return np.einsum("nij,nj->ni", jacobian, grad_output)


def mse_forward(input, target):
    d = (input - target).ravel()
    return np.einsum("i,i->", d, d) / d.size, (input, target)


def mse_backward(grad_output, cache):
    x, t = cache
    return (2.0 / np.prod(x.shape)) * grad_output * np.subtract(x, t)


def cross_entropy_forward(input, target):
    top = input.max(axis=1)
    log_total = top + np.log(np.sum(np.exp(input - top[:, None]), axis=1))
    onehot = np.eye(input.shape[1])[target]
    return np.mean(log_total - np.einsum("nc,nc->n", input, onehot)), (input, log_total, onehot)


def cross_entropy_backward(grad_output, cache):
    x, log_total, onehot = cache
    return grad_output / x.shape[0] * (np.exp(x - log_total[:, None]) - onehot)


def layernorm_forward(input, weight, bias, eps=1e-5):
    mean = np.einsum("nd->n", input)[:, None] / input.shape[1]
    centred = input - mean
    variance = np.einsum("nd,nd->n", centred, centred)[:, None] / input.shape[1]
    inverse = (variance + eps) ** -0.5
    return np.einsum("nd,d->nd", centred * inverse, weight) + bias, (centred, inverse, weight)


def layernorm_backward(grad_output, cache):
    centred, inverse, weight = cache
    width = centred.shape[1]
    dhat = grad_output * weight
    dinverse = np.einsum("nd,nd->n", dhat, centred)[:, None]
    dvariance = -0.5 * inverse**3 * dinverse
    dcentred = dhat * inverse + 2 / width * centred * dvariance
    dx = dcentred - dcentred.sum(1, keepdims=True) / width
    return dx, np.einsum("nd,nd->d", grad_output, centred * inverse), np.einsum("nd->d", grad_output)


def batchnorm_forward(input, weight, bias, eps=1e-5):
    mean = np.average(input, axis=0)
    variance = np.var(input, axis=0)
    std = np.sqrt(variance + eps)
    return np.einsum("nd,d->nd", (input - mean) / std, weight) + bias, (input, mean, std, weight)


def batchnorm_backward(grad_output, cache):
    x, mean, std, weight = cache
    rows = x.shape[0]
    centred = x - mean
    dhat = np.einsum("nd,d->nd", grad_output, weight)
    dvariance = np.einsum("nd,nd,d->d", dhat, centred, -0.5 * std**-3)
    dmean = -np.einsum("nd,d->d", dhat, 1 / std) - 2 * dvariance * centred.mean(0)
    dx = dhat / std + dvariance * 2 * centred / rows + dmean / rows
    return dx, np.einsum("nd,nd->d", grad_output, centred / std), grad_output.sum(axis=0)


def dropout_forward(input, p, random, training=True):
    if training:
        mask = random.binomial(1, 1 - p, size=input.shape)
        return np.einsum("nd,nd->nd", input, mask) / (1 - p), (mask, p)
    return np.array(input), (np.ones(input.shape), 0.0)


def dropout_backward(grad_output, cache):
    mask, p = cache
    return np.einsum("nd,nd->nd", grad_output, mask) / (1 - p)
