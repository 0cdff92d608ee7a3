"""Each layer as a module, row by row or element by element, with methods and helpers beside forward and backward."""

import torch

from corenet import Loss, Module, Parameter


class Linear(Module):
    def __init__(self, in_features, out_features):
        bound = in_features**-0.5
        self.weight = Parameter(torch.rand(out_features, in_features) * 2 * bound - bound)
        self.bias = Parameter(torch.zeros(out_features))

    def forward(self, input):
        self.save(input)
        return torch.stack([self.weight @ row + self.bias for row in input])

    def backward(self, grad_output):
        (input,) = self.saved()
        rows = []
        for x, dy in zip(input, grad_output, strict=True):
            self.weight.grad += torch.outer(dy, x)
            self.bias.grad += dy
            rows.append(self.weight.T @ dy)
        return torch.stack(rows)


class ReLU(Module):
    def forward(self, input):
        self.save(input)
        return input * (input > 0)

    def backward(self, grad_output):
        (input,) = self.saved()
        result = grad_output.clone()
        result[input <= 0] = 0
        return result


class Sigmoid(Module):
    def forward(self, input):
        output = torch.empty_like(input)
        positive = input >= 0
        output[positive] = 1 / (1 + torch.exp(-input[positive]))
        powers = torch.exp(input[~positive])
        output[~positive] = powers / (1 + powers)
        self.save(output)
        return output

    def backward(self, grad_output):
        (output,) = self.saved()
        return grad_output * self._slope(output)

    def _slope(self, output):
        return output - output * output


class Tanh(Module):
    def forward(self, input):
        output = input.tanh()
        self.save(1 - output.pow(2))
        return output

    def backward(self, grad_output):
        (slope,) = self.saved()
        return slope * grad_output


class Softmax(Module):
    def forward(self, input):
        rows = []
        for row in input:
            powers = (row - row.max()).exp()
            rows.append(powers / powers.sum())
        output = torch.stack(rows)
        self.save(output)
        return output

    def backward(self, grad_output):
        (output,) = self.saved()
        return torch.stack([y * (dy - torch.dot(dy, y)) for y, dy in zip(output, grad_output, strict=True)])


class MSELoss(Loss):
    def forward(self, input, target):
        self.save(input - target)
        return torch.mean(torch.square(input - target))

    def backward(self):
        (difference,) = self.saved()
        gradient = difference.clone()
        gradient *= 2
        gradient /= difference.numel()
        return gradient


class CrossEntropyLoss(Loss):
    def forward(self, input, target):
        total = input.new_zeros(())
        gradient = torch.zeros_like(input)  # all that backward needs is known by now
        for n, row in enumerate(input):
            logs = row - row.max()
            logs = logs - logs.exp().sum().log()
            total = total - logs[target[n]]
            gradient[n] = logs.exp()
            gradient[n, target[n]] -= 1
        self.save(gradient / len(input))
        return total / len(input)

    def backward(self):
        (gradient,) = self.saved()
        return gradient


def normalized(x, eps):
    mean = sum(x) / len(x)
    std = (sum((each - mean) ** 2 for each in x) / len(x) + eps) ** 0.5
    return (x - mean) / std, std


def normalized_back(dhat, hat, std):
    return (dhat - dhat.mean() - hat * (dhat * hat).mean()) / std


class LayerNorm(Module):
    def __init__(self, features, eps=1e-5):
        self.eps = eps
        self.weight = Parameter(torch.ones(features))
        self.bias = Parameter(torch.zeros(features))

    def forward(self, input):
        hats, stds = zip(*[normalized(row, self.eps) for row in input], strict=True)
        self.save(torch.stack(hats), torch.stack(stds))
        return torch.stack(hats) * self.weight + self.bias

    def backward(self, grad_output):
        hats, stds = self.saved()
        rows = []
        for dy, hat, std in zip(grad_output, hats, stds, strict=True):
            self.weight.grad += dy * hat
            self.bias.grad += dy
            rows.append(normalized_back(dy * self.weight, hat, std))
        return torch.stack(rows)


class BatchNorm(Module):
    def __init__(self, features, eps=1e-5):
        self.eps = eps
        self.weight = Parameter(torch.ones(features))
        self.bias = Parameter(torch.zeros(features))

    def forward(self, input):
        hats, stds = zip(*[normalized(column, self.eps) for column in input.T], strict=True)
        hat = torch.stack(hats, 1)
        self.save(hat, torch.stack(stds))
        return hat * self.weight + self.bias

    def backward(self, grad_output):
        hat, stds = self.saved()
        self.weight.grad += (grad_output * hat).sum(dim=0)
        self.bias.grad += grad_output.sum(dim=0)
        columns = [normalized_back(grad_output[:, j] * self.weight[j], hat[:, j], stds[j]) for j in range(hat.shape[1])]
        return torch.stack(columns, 1)


class Dropout(Module):
    def __init__(self, p=0.5):
        self.p = p

    def forward(self, input):
        if not self.training:
            return input.clone()
        keep = torch.rand(input.shape) > self.p
        self.save(keep)
        return torch.where(keep, input / (1 - self.p), torch.zeros_like(input))

    def backward(self, grad_output):
        (keep,) = self.saved()
        return torch.where(keep, grad_output / (1 - self.p), torch.zeros_like(grad_output))
