"""claims.json: every verdict with its numbers, in a stable form; docs/claims.md describes it."""

import json
from collections import Counter
from collections.abc import Sequence
from math import isfinite
from typing import Any

from assay.analysis.claims import OUTCOMES, Case, Checked, Finding, Missing
from assay.report.claims_scope import Scope, remedy
from assay.results import Results

FORMAT = 1
Json = dict[str, Any]


def claims_json(results: Results, checked: Sequence[Checked], scope: Scope) -> str:
    """The verdicts as JSON text."""
    counts = Counter(item.outcome for item in checked)
    data = {
        "format": FORMAT,
        "study": results.study,
        "preset": results.preset,
        "limit": results.limit,
        "whole": scope.whole,
        "reductions": list(scope.reductions),
        "scope": dict(scope.facts),
        "summary": {outcome: counts[outcome] for outcome in OUTCOMES},
        "claims": [_claim(results, item) for item in checked],
    }
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _claim(results: Results, item: Checked) -> Json:
    claim = item.claim
    return {
        "key": claim.key,
        "axis": claim.axis,
        "source": claim.source,
        "text": claim.text,
        "verdict": item.outcome,
        "weakness": claim.weakness,
        "parts": [_part(results, finding) for finding in item.findings],
    }


def _part(results: Results, finding: Finding) -> Json:
    return {
        "text": finding.text,
        "verdict": finding.outcome,
        "numbers": list(finding.numbers),
        "comparisons": [_comparison(case) for case in finding.cases],
        "notes": list(finding.notes),
        "recipes": list(finding.recipes),
        "missing": [_missing(lack) for lack in finding.missing],
        "remedy": remedy(results, finding.missing) if finding.missing else "",
    }


def _comparison(case: Case) -> Json:
    return {
        "name": case.name,
        "values": case.values,
        "value": case.effect.value,
        "low": case.effect.low,
        "high": case.effect.high,
        "region": [end if isfinite(end) else None for end in case.region],
        "difference": case.signed,
        "state": case.state,
        "seen": dict(case.seen),
    }


def _missing(lack: Missing) -> Json:
    return {"what": lack.what, "recipes": list(lack.recipes), "reason": lack.reason}
