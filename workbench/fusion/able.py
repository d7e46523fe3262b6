"""What a fuser cannot do, told before it begins."""

from workbench.fusion.decoding import Decoding
from workbench.fusion.gen_fuser import GenFuser
from workbench.fusion.seq2seq import check_positions


def check_able(fuser: GenFuser, candidates: int, decoding: Decoding) -> None:
    """Checks what does not hang on the prompts' own lengths.

    Args:
        fuser: that is to write.
        candidates: of the prompt that has most.
        decoding: how it is to write.

    Raises:
        BadModel: it has no weights yet, or its tokenizer cannot mark so many candidates.
        BadValue: the template's words alone are too long, or the longest answer is.
    """
    fuser.check_built()
    fuser.prompt.check(fuser.tokenizer, candidates)
    check_positions(fuser.pretrained_model.config, 1, decoding.max_new_tokens)
