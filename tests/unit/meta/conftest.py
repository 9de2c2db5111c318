"""A few-shot data set that a small network learns in seconds."""

import math

import numpy as np
import pytest
import torch

from meta.data.fewshot import FewShotDataset

torch.set_num_threads(1)  # on networks this small, threads only wait for each other


@pytest.fixture(scope="module")
def bars():
    """Twenty-four classes that a small network tells apart: noisy bars at an angle."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1:1:28j, -1:1:28j]
    images = np.empty((24, 20, 28, 28), dtype=np.uint8)
    for index in range(24):
        angle = math.pi * index / 24
        for drawing in range(20):
            shift, width = rng.uniform(-0.3, 0.3), rng.uniform(0.1, 0.25)
            distance = np.abs(x * math.cos(angle) + y * math.sin(angle) - shift)
            images[index, drawing] = 255 * (distance < width)
    classes = {
        "train": np.arange(0, 24, 2),
        "validation": np.arange(1, 12, 2),
        "test": np.arange(13, 24, 2),
    }
    return FewShotDataset(name="bars", images=images, classes=classes)
