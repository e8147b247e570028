"""Your own images: a folder of idx files, or tensors."""

import torch

import assay

# Floats in [0, 1], labels 0, 1, 2: checked when they enter, with a clear error for NaN, a wrong range or wrong labels.
generator = torch.Generator().manual_seed(0)
y = torch.arange(90) % 3
x = torch.rand(90, 1, 28, 28, generator=generator) / 2 + y[:, None, None, None] / 6
mine = assay.Images.from_floats(x, y, name="mine/test", classes=("dark", "grey", "light"))

model = torch.nn.Sequential(torch.nn.AvgPool2d(28), torch.nn.Flatten(), torch.nn.Linear(1, 3))
results = assay.evaluate(model, mine, name="brightness")
print(results.table[["evaluation", "metric", "value", "reason"]].to_string())

# A study on your own data takes a folder with mine/train-images-idx3-ubyte.gz and so on (docs/data.md):
#     assay.run_study(replace(study, data="mine"), data="folder")
