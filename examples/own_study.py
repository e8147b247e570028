"""Your own study: recipes that you name, evaluations that you choose, resumed whenever it is run again."""

import assay
from assay.evaluations import Adversarial, Calibration

SETTINGS = "train(epochs=1, batch_size=64, learning_rate=0.001, images=2000)"
study = assay.Study(
    name="holes",
    title="Do more holes calibrate better?",
    question="What do one and three holes of CutOut change in calibration and robustness?",
    recipes=(
        assay.parse_recipe(f"baseline > {SETTINGS}"),
        assay.parse_recipe(f"cutout(length=7, holes=1) > {SETTINGS}"),
        assay.parse_recipe(f"cutout(length=7, holes=3) > {SETTINGS}"),
    ),
    evaluations=(Calibration(images=2000), Adversarial(images=100, budgets=(0.1, 0.2))),
)
results = assay.run_study(study, out="holes-out")
print(results.table.query("metric in ['ece', 'nll']")[["recipe", "metric", "value", "low", "high"]].to_string())
print(assay.write_report(results, "holes-out/holes"))
