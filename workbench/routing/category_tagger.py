"""Tags that are the prompts' own categories."""

from collections.abc import Iterator, Sequence

from workbench.routing.learnable import CATEGORY
from workbench.routing.tagger import Prompt, Tagger, Tags


class CategoryTagger(Tagger):
    """The category that a prompt came with is its only tag.

    Routers know categories without this too (`--data.tagger category`); in the table `tags` they
    stand beside those of other taggers.

    Args:
        label: what the name calls it, `category[LABEL]`; null: `category`.
    """

    kind = CATEGORY

    def __init__(self, *, label: str | None = None) -> None:
        super().__init__(label or CATEGORY)

    @property
    def name(self) -> str:
        """`category`, or `category[LABEL]`."""
        return CATEGORY if self.label == CATEGORY else f"{CATEGORY}[{self.label}]"

    def content(self) -> str:
        """The prompts alone tell their categories."""
        return "the prompts' own categories"

    def tags(self, prompts: Sequence[Prompt]) -> Iterator[tuple[Prompt, Tags] | None]:
        """The category of each prompt that has one."""
        for prompt in prompts:
            yield prompt, (prompt.category,) if prompt.category else ()
