"""Small neural networks in NumPy: layers with their gradients, and Adam.

A batch is an array of float32 whose first dimension counts images; convolutions take and give [images, channels, height,
width]. `forward` keeps what `backward` needs; `backward` takes the gradient of the loss by the layer's output and gives
that by its input.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


class Dense:
    """y = x @ weights + bias; weights [inputs, outputs]."""

    def __init__(self, random, inputs, outputs):
        self.weights = he(random, inputs, (inputs, outputs))
        self.bias = np.zeros(outputs, np.float32)

    def forward(self, x):
        self.x = x
        return x @ self.weights + self.bias

    def backward(self, slope):
        self.slopes = [self.x.T @ slope, slope.sum(axis=0)]
        return slope @ self.weights.T


class Conv:
    """Convolution with a square kernel; weights [outputs, inputs, kernel, kernel], the same padding on all sides."""

    def __init__(self, random, inputs, outputs, kernel, stride=1, pad=0):
        self.weights = he(random, inputs * kernel * kernel, (outputs, inputs, kernel, kernel))
        self.bias = np.zeros(outputs, np.float32)
        self.stride, self.pad = stride, pad

    def forward(self, x):
        self.padded = np.pad(x, ((0, 0), (0, 0), (self.pad, self.pad), (self.pad, self.pad)))
        y = np.tensordot(self._windows(), self.weights, axes=((1, 4, 5), (1, 2, 3)))
        return np.ascontiguousarray(y.transpose(0, 3, 1, 2)) + self.bias[:, None, None]

    def backward(self, slope):
        by_weights = np.tensordot(slope, self._windows(), axes=((0, 2, 3), (0, 2, 3)))
        self.slopes = [by_weights, slope.sum(axis=(0, 2, 3))]
        back, (height, width) = np.zeros_like(self.padded), slope.shape[2:]
        kernel, stride = self.weights.shape[2], self.stride
        for i in range(kernel):
            for j in range(kernel):
                part = np.tensordot(slope, self.weights[:, :, i, j], axes=(1, 0)).transpose(0, 3, 1, 2)
                back[:, :, i : i + stride * height : stride, j : j + stride * width : stride] += part
        inner = slice(self.pad, back.shape[2] - self.pad)
        return back[:, :, inner, inner]

    def _windows(self):
        """[images, channels, height, width, kernel, kernel], the last two within a window."""
        kernel, stride = self.weights.shape[2], self.stride
        return sliding_window_view(self.padded, (kernel, kernel), axis=(2, 3))[:, :, ::stride, ::stride]


class Relu:
    """The positive part."""

    def forward(self, x):
        self.positive = x > 0
        return x * self.positive

    def backward(self, slope):
        return slope * self.positive


class MaxPool:
    """The largest cell of each square of `size` x `size`; squares do not overlap and fill the plane."""

    def __init__(self, size):
        self.size = size

    def forward(self, x):
        n, c, h, w = x.shape
        tiles = x.reshape(n, c, h // self.size, self.size, w // self.size, self.size).transpose(0, 1, 2, 4, 3, 5)
        self.shape, self.tiles = x.shape, tiles.reshape(n, c, h // self.size, w // self.size, -1)
        self.chosen = self.tiles.argmax(axis=-1)[..., None]
        return np.take_along_axis(self.tiles, self.chosen, axis=-1)[..., 0]

    def backward(self, slope):
        back = np.zeros_like(self.tiles)
        np.put_along_axis(back, self.chosen, slope[..., None], axis=-1)
        back = back.reshape(*back.shape[:-1], self.size, self.size)
        return back.transpose(0, 1, 2, 4, 3, 5).reshape(self.shape)


class Flatten:
    """All cells of an image in a row."""

    def forward(self, x):
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, slope):
        return slope.reshape(self.shape)


def he(random, inputs, shape):
    """Initial weights whose sums keep the variance of what a ReLU lets through (He et al. 2015)."""
    return random.normal(0, np.sqrt(2 / inputs), shape).astype(np.float32)


def run(layers, x):
    """What the network makes of a batch."""
    for layer in layers:
        x = layer.forward(x)
    return x


def train(layers, images, labels, random, epochs, batch=50, rate=2e-3, decay=1e-4):
    """Adam (Kingma and Ba 2015) on the cross-entropy of the softmax, with a rate that falls to 0 along a cosine."""
    learning = [layer for layer in layers if hasattr(layer, "weights")]
    tensors = [tensor for layer in learning for tensor in (layer.weights, layer.bias)]
    mean = [np.zeros_like(t) for t in tensors]
    square = [np.zeros_like(t) for t in tensors]
    steps = epochs * (len(images) // batch)
    step = 0
    for _ in range(epochs):
        order = random.permutation(len(images))
        for first in range(0, len(images) - batch + 1, batch):
            chosen = order[first : first + batch]
            logits = run(layers, images[chosen])
            likely = np.exp(logits - logits.max(axis=1, keepdims=True))
            slope = likely / likely.sum(axis=1, keepdims=True)
            slope[np.arange(batch), labels[chosen]] -= 1
            slope /= batch
            for layer in reversed(layers):
                slope = layer.backward(slope)
            step += 1
            now = np.float32(rate * 0.5 * (1 + np.cos(np.pi * step / steps)))
            slopes = [s for layer in learning for s in layer.slopes]
            for tensor, m, v, s in zip(tensors, mean, square, slopes):
                m += np.float32(0.1) * (s - m)
                v += np.float32(0.001) * (s * s - v)
                towards = (m / np.float32(1 - 0.9**step)) / (np.sqrt(v / np.float32(1 - 0.999**step)) + np.float32(1e-8))
                tensor -= now * (towards + np.float32(decay) * tensor)
