"""Measures of picks and rankings, and their bootstrap statistics; knows nothing of models.

Everything is per prompt first, a vector [Q], so that one bootstrap over prompts serves all.
To add a figure, write its per-prompt vector and enter it in `report.py`, or where it is one of
fusions in `fusion_report.py`.
"""

from workbench.evaluation.bootstrap import (
    Difference,
    Estimate,
    mean_estimate,
    paired_difference,
    ratio_estimate,
)
from workbench.evaluation.distribution import best_llm_distribution, best_llm_distributions
from workbench.evaluation.fusion_report import FUSION_FIGURES, Fused, evaluate_fusions
from workbench.evaluation.picks import pick_quality, pick_weights, top_k_best, top_k_mean
from workbench.evaluation.report import (
    FIGURES,
    POSITION_FIGURES,
    evaluate_position_bias,
    evaluate_system,
    evaluate_systems,
)
from workbench.evaluation.verdict_report import (
    VERDICT_FIGURES,
    evaluate_agreement,
    evaluate_judges,
)

__all__ = [
    "FIGURES",
    "FUSION_FIGURES",
    "POSITION_FIGURES",
    "VERDICT_FIGURES",
    "Difference",
    "Estimate",
    "Fused",
    "best_llm_distribution",
    "best_llm_distributions",
    "evaluate_agreement",
    "evaluate_fusions",
    "evaluate_judges",
    "evaluate_position_bias",
    "evaluate_system",
    "evaluate_systems",
    "mean_estimate",
    "paired_difference",
    "pick_quality",
    "pick_weights",
    "ratio_estimate",
    "top_k_best",
    "top_k_mean",
]
