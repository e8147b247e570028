"""What a plan names, once each."""

from assay.named import NamedCell, cells_of, earlier_cells_of


def test_every_cell_once_under_its_own_recipe() -> None:
    three = {"recipe": "ensemble(members=2)", "seed": 0, "models": ["a", "b"], "evaluations": {"shift": "e"}}
    own = {"recipe": "baseline", "seed": 0, "models": ["a"], "evaluations": {"shift": "s"}}
    plan = {"starts": ["0"], "models": [three, own], "transfer": {"key": "t", "seed": 0}, "earlier": [own]}
    assert cells_of(plan) == (
        NamedCell("models", "0", "starts of tunings", None, "training"),
        NamedCell("models", "a", "baseline", 0, "training"),
        NamedCell("evaluations", "s", "baseline", 0, "shift"),
        NamedCell("models", "b", "ensemble(members=2)", 0, "training"),
        NamedCell("evaluations", "e", "ensemble(members=2)", 0, "shift"),
        NamedCell("evaluations", "t", "all recipes", 0, "transfer"),
    )
    assert [cell.key for cell in earlier_cells_of(plan)] == ["a", "s"]
    assert cells_of({"models": [own], "transfer": {"reason": "too many"}})[-1].stage == "shift"


def test_titles() -> None:
    plan = {"starts": ["0"], "models": [], "transfer": {"key": "t", "seed": 0}}
    assert [cell.title for cell in cells_of(plan)] == ["starts of tunings, training", "all recipes, seed 0, transfer"]
