"""Each layer as a module, with einsum, torch's other functions, and the chain rule step by step."""

import torch

import corenet as cn


class Linear(cn.Module):
    def __init__(self, in_features, out_features):
        self.weight = cn.Parameter(torch.empty(out_features, in_features).uniform_(-1, 1))
        self.bias = cn.Parameter(torch.zeros(out_features))

    def forward(self, input):
        self.save(input.clone())
        return torch.einsum("nj,kj->nk", input, self.weight) + self.bias

    def backward(self, grad_output):
        (x,) = self.saved()
        self.weight.grad += torch.einsum("nk,nj->kj", grad_output, x)
        self.bias.grad += torch.einsum("nk->k", grad_output)
        return torch.einsum("nk,kj->nj", grad_output, self.weight)


class ReLU(cn.Module):
    def forward(self, input):
        y = torch.maximum(input, torch.zeros_like(input))
        self.save(y)
        return y

    def backward(self, grad_output):
        (y,) = self.saved()
        return torch.where(y > 0, grad_output, torch.zeros_like(grad_output))


class Sigmoid(cn.Module):
    def forward(self, input):
        self.save(input)
        return torch.sigmoid(input)

    def backward(self, grad_output):
        (x,) = self.saved()
        return grad_output * torch.sigmoid(x) * torch.sigmoid(-x)


class Tanh(cn.Module):
    def forward(self, input):
        self.save(input)
        return 2 * torch.sigmoid(2 * input) - 1

    def backward(self, grad_output):
        (x,) = self.saved()
        return 4 * grad_output * torch.sigmoid(2 * x) * torch.sigmoid(-2 * x)


class Softmax(cn.Module):
    def forward(self, input):
        y = torch.softmax(input, dim=1)
        self.save(y)
        return y

    def backward(self, grad_output):
        (y,) = self.saved()
        jacobian = torch.diag_embed(y) - torch.einsum("ni,nj->nij", y, y)
        return torch.einsum("nij,nj->ni", jacobian, grad_output)


class MSELoss(cn.Loss):
    def forward(self, input, target):
        self.save(input, target)
        return torch.sum((input - target) ** 2) / input.numel()

    def backward(self):
        x, t = self.saved()
        return (x - t) * (2 / (x.shape[0] * x.shape[1]))


class CrossEntropyLoss(cn.Loss):
    def forward(self, input, target):
        self.save(input, target)
        return (torch.logsumexp(input, 1) - input.gather(1, target[:, None])[:, 0]).mean()

    def backward(self):
        x, target = self.saved()
        onehot = torch.zeros_like(x).scatter_(1, target[:, None], 1.0)
        return (torch.softmax(x, 1) - onehot) / x.shape[0]


class LayerNorm(cn.Module):
    def __init__(self, features, eps=1e-5):
        self.eps = eps
        self.weight = cn.Parameter(torch.ones(features))
        self.bias = cn.Parameter(torch.zeros(features))

    def forward(self, input):
        centred = input - input.mean(-1, keepdim=True)
        inverse = torch.rsqrt(centred.square().mean(-1, keepdim=True) + self.eps)
        self.save(centred, inverse)
        return centred * inverse * self.weight + self.bias

    def backward(self, grad_output):
        centred, inverse = self.saved()
        width = centred.shape[1]
        self.weight.grad.add_((grad_output * centred * inverse).sum(0))
        self.bias.grad.add_(grad_output.sum(0))
        dhat = grad_output * self.weight
        dvariance = (dhat * centred).sum(1, keepdim=True) * -0.5 * inverse.pow(3)
        dcentred = dhat * inverse + centred * dvariance * 2 / width
        return dcentred - dcentred.mean(1, keepdim=True)


class BatchNorm(cn.Module):
    def __init__(self, features, eps=1e-5):
        self.eps = eps
        self.weight = cn.Parameter(torch.ones(features))
        self.bias = cn.Parameter(torch.zeros(features))

    def forward(self, input):
        std = torch.sqrt(input.var(0, unbiased=False) + self.eps)
        hat = (input - input.mean(0)) / std
        self.save(hat, std)
        return torch.addcmul(self.bias, hat, self.weight)

    def backward(self, grad_output):
        hat, std = self.saved()
        n = hat.shape[0]
        dw, db = torch.einsum("nd,nd->d", grad_output, hat), grad_output.sum(0)
        self.weight.grad += dw
        self.bias.grad += db
        return self.weight / (n * std) * (n * grad_output - db - hat * dw)


class Dropout(cn.Module):
    def __init__(self, p=0.5):
        self.p = p

    def forward(self, input):
        if self.training:
            mask = torch.bernoulli(torch.full_like(input, 1 - self.p))
            self.save(mask)
            return input * mask / (1 - self.p)
        return input

    def backward(self, grad_output):
        (mask,) = self.saved()
        return grad_output * mask / (1 - self.p)
