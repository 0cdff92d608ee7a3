"""Each layer element by element, as the formula has it."""

import math

import numpy as np


def linear_forward(input, weight, bias):
    rows, outputs = len(input), len(weight)
    y = np.zeros((rows, outputs))
    for n in range(rows):
        for k in range(outputs):
            y[n, k] = bias[k]
            for j in range(weight.shape[1]):
                y[n, k] += weight[k, j] * input[n, j]
    return y, (input, weight)


def linear_backward(grad_output, cache):
    x, w = cache
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros(len(w))
    for n in range(x.shape[0]):
        for k in range(w.shape[0]):
            db[k] += grad_output[n, k]
            for j in range(w.shape[1]):
                dx[n, j] += grad_output[n, k] * w[k, j]
                dw[k, j] += grad_output[n, k] * x[n, j]
    return dx, dw, db


def relu_forward(input):
    y = input.copy()
    for place, value in np.ndenumerate(input):
        if value < 0:
            y[place] = 0
    return y, input.copy()


def relu_backward(grad_output, cache):
    dx = np.zeros_like(grad_output)
    for place, value in np.ndenumerate(cache):
        if value > 0:
            dx[place] = grad_output[place]
    return dx


def sigmoid_forward(input):
    y = np.empty_like(input)
    for place, x in np.ndenumerate(input):
        y[place] = 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
    return y, y


def sigmoid_backward(grad_output, cache):
    dx = np.empty_like(grad_output)
    for place, s in np.ndenumerate(cache):
        dx[place] = grad_output[place] * s * (1 - s)
    return dx


def tanh_forward(input):
    y = np.empty_like(input)
    for place, x in np.ndenumerate(input):
        y[place] = math.tanh(x)
    return y, y


def tanh_backward(grad_output, cache):
    dx = np.empty_like(grad_output)
    for place, t in np.ndenumerate(cache):
        dx[place] = grad_output[place] * (1 - t) * (1 + t)
    return dx


def softmax_forward(input):
    y = np.empty_like(input)
    for n, row in enumerate(input):
        top = max(row)
        powers = [math.exp(x - top) for x in row]
        y[n] = [power / sum(powers) for power in powers]
    return y, y


def softmax_backward(grad_output, cache):
    dx = np.zeros_like(grad_output)
    for n, y in enumerate(cache):
        for i in range(len(y)):
            for j in range(len(y)):
                dx[n, i] += grad_output[n, j] * y[j] * ((i == j) - y[i])
    return dx


def mse_forward(input, target):
    total = 0.0
    for x, t in zip(input.ravel(), target.ravel(), strict=True):
        total += (x - t) ** 2
    return total / input.size, (input, target)


def mse_backward(grad_output, cache):
    x, t = cache
    dx = np.empty_like(x)
    for place in np.ndindex(x.shape):
        dx[place] = grad_output * 2 * (x[place] - t[place]) / x.size
    return dx


def cross_entropy_forward(input, target):
    loss = 0.0
    probabilities = np.empty_like(input)
    for n, row in enumerate(input):
        top = max(row)
        total = sum(math.exp(x - top) for x in row)
        probabilities[n] = [math.exp(x - top) / total for x in row]
        loss -= row[target[n]] - top - math.log(total)
    return loss / len(input), (probabilities, target)


def cross_entropy_backward(grad_output, cache):
    probabilities, target = cache
    dx = np.empty_like(probabilities)
    for n in range(len(dx)):
        for c in range(dx.shape[1]):
            dx[n, c] = grad_output * (probabilities[n, c] - (c == target[n])) / len(dx)
    return dx


def layernorm_forward(input, weight, bias, eps=1e-5):
    y, hats, stds = np.empty_like(input), np.empty_like(input), []
    for n, row in enumerate(input):
        mean = sum(row) / len(row)
        variance = sum((x - mean) ** 2 for x in row) / len(row)
        stds.append(math.sqrt(variance + eps))
        hats[n] = [(x - mean) / stds[n] for x in row]
        y[n] = weight * hats[n] + bias
    return y, (hats, stds, weight)


def layernorm_backward(grad_output, cache):
    hats, stds, weight = cache
    dx, dw, db = np.empty_like(hats), np.zeros_like(weight), np.zeros_like(weight)
    for n, hat in enumerate(hats):
        dw += grad_output[n] * hat
        db += grad_output[n]
        dhat = grad_output[n] * weight
        for j in range(len(hat)):
            dx[n, j] = (dhat[j] - sum(dhat) / len(hat) - hat[j] * sum(dhat * hat) / len(hat)) / stds[n]
    return dx, dw, db


def batchnorm_forward(input, weight, bias, eps=1e-5):
    y, hats, stds = np.empty_like(input), np.empty_like(input), []
    for j in range(input.shape[1]):
        column = input[:, j]
        mean = sum(column) / len(column)
        stds.append(math.sqrt(sum((x - mean) ** 2 for x in column) / len(column) + eps))
        hats[:, j] = (column - mean) / stds[j]
        y[:, j] = weight[j] * hats[:, j] + bias[j]
    return y, (hats, stds, weight)


def batchnorm_backward(grad_output, cache):
    hats, stds, weight = cache
    dx, dw, db = np.empty_like(hats), np.zeros_like(weight), np.zeros_like(weight)
    rows = len(hats)
    for j, std in enumerate(stds):
        dy, hat = grad_output[:, j], hats[:, j]
        dw[j], db[j] = sum(dy * hat), sum(dy)
        dx[:, j] = weight[j] / (rows * std) * (rows * dy - db[j] - hat * dw[j])
    return dx, dw, db


def dropout_forward(input, p, random, training=True):
    y, mask = input.copy(), np.ones_like(input)
    if not training:
        return y, mask
    for place in np.ndindex(input.shape):
        mask[place] = 0 if random.random() < p else 1 / (1 - p)
        y[place] *= mask[place]
    return y, mask


def dropout_backward(grad_output, cache):
    return np.array([[g * m for g, m in zip(*rows, strict=True)] for rows in zip(grad_output, cache, strict=True)])
