"""Groups as sides of a comparison."""

from assay.analysis.claims.evidence import Evidence
from assay.analysis.claims.group import Group, Measures, Subject


def subjects(evidence: Evidence, group: Group, measures: Measures, how: str) -> list[Subject]:
    """The group as sides of a comparison.

    Args:
        evidence: what was measured.
        group: the recipes.
        measures: those without a value of it are left out.
        how: "mean" (one side: the mean of the group), "each" (a side for each recipe), "best" or "worst" (one side:
            the recipe with that value).
    """
    columns = evidence.columns(measures)
    places = evidence.measured(evidence.members(group), columns) if columns else []
    if not places:
        return []
    if how == "mean":
        one = len(places) == 1
        name = evidence.zoo.recipes[places[0]] if one else f"{group.name}, mean of {len(places)}"
        return [Subject(name=name, weights={place: 1 / len(places) for place in places})]
    each = [Subject(name=evidence.zoo.recipes[place], weights={place: 1.0}) for place in places]
    if how == "each":
        return each
    values = [evidence.sign(columns) * value for value in evidence.values(each, measures)]
    chosen = each[sorted(range(len(each)), key=values.__getitem__)[-1 if how == "best" else 0]]
    name = f"{chosen.name}, {how} of {len(each)} of {group.name}"
    return [Subject(name=name, weights=chosen.weights, among=len(each))]
