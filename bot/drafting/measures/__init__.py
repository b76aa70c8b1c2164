"""How good a draft is, in four numbers: coherence, creativity, relevance and readability.

Knows no Slack, no store and no settings. What a model must say comes through a `Scorer`.
"""

from bot.drafting.measures.judge import Judge
from bot.drafting.measures.measure import Measures, measure
from bot.drafting.measures.scoring import Scorer
from bot.drafting.measures.shown import MEASURES, shown_measures, with_judge

__all__ = ["MEASURES", "Judge", "Measures", "Scorer", "measure", "shown_measures", "with_judge"]
