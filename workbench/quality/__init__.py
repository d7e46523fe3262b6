"""Measures of an answer against a reference, one family a file.

To add a measure: a function `(hypotheses, references) -> values` under
`@MEASURES.add("name@version")`, in a file that is imported here.
"""

from workbench.quality import bleu_chrf as bleu_chrf
from workbench.quality import final_answer as final_answer
from workbench.quality import rouge as rouge
from workbench.quality import squad as squad
from workbench.quality.measure import MEASURES, Measure

OF_PROSE = [name for name in MEASURES if name != final_answer.NAME]
"""Measures that mean something for any answer: those taken where none is named."""

__all__ = ["MEASURES", "OF_PROSE", "Measure"]
