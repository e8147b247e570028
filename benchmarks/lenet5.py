"""Clean accuracy of the baseline under the studies' protocol: 10 epochs, Adam, learning rate 1e-4; three seeds.

    .venv/bin/python benchmarks/lenet5.py

It takes about five minutes a seed and core, and can be interrupted: run it again and it goes on.
"""

import argparse

from assay import Recipe, Study, run_study
from assay.evaluations import Calibration


def main() -> None:
    """Print the test accuracy, NLL and ECE of each seed and their means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="assay-out")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    study = Study(
        name="lenet5",
        title="The baseline's clean accuracy",
        question="Does the baseline reach 99.3 % under the studies' own protocol?",
        recipes=(Recipe(),),
        evaluations=(Calibration(),),
        outliers=(),
        seeds=(0, 1, 2),
    )
    results = run_study(study, out=arguments.out, jobs=arguments.jobs)
    print(f"{results.trained[0].parameters:,} weights")
    chosen = results.table[results.table["metric"].isin(["accuracy", "nll", "ece"])]
    print(chosen[["metric", "seed", "value", "low", "high", "n"]].to_string(index=False))


if __name__ == "__main__":
    main()
