"""A safety report of your own model: any module that maps images in [0, 1] to logits."""

import torch
from torch import nn

import assay

train, test = assay.load("mnist", "train"), assay.load("mnist", "test")

# Your model. Its normalisation belongs inside it.
model = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
for index in torch.split(torch.randperm(len(train)), 200):
    loss = nn.functional.cross_entropy(model(train.x[index].float() / 255), train.y[index])
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()

results = assay.evaluate(
    model,
    assay.sample(test, 1000),
    train=train,
    outliers={"fashion_mnist": assay.sample(assay.load("fashion_mnist", "test"), 1000)},
    name="two layers",
)
print(results.table.query("metric in ['accuracy', 'auroc', 'ece']")[["evaluation", "setting", "metric", "value"]])
print(assay.write_report(results, "report"))
