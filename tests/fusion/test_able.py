"""What no fusing can do is told before it begins."""

import pytest
from tiny_writers import chat_tokenizer, t5_tokenizer, writer

from workbench.errors import BadModel, BadValue
from workbench.fusion.able import check_able
from workbench.fusion.decoding import Decoding
from workbench.fusion.gen_fuser import GenFuser
from workbench.fusion.prompt import FusionPrompt
from workbench.fusion.tiny_seq2seq import TinySeq2Seq


def fuser(kind, tokenizer, template="plain"):
    made = GenFuser("unused", prompt=FusionPrompt(template, max_length=256))
    made.assemble(writer(kind, len(tokenizer)), tokenizer)
    return made


@pytest.mark.parametrize(("kind", "longest"), [("bart", 256), ("gpt2", 255)])
def test_answers_beyond_the_positions_of_the_model(kind, longest):
    made = fuser(kind, chat_tokenizer())
    check_able(made, 3, Decoding(max_new_tokens=longest))
    with pytest.raises(BadValue, match=f"at most 256, the positions of this {kind}"):
        check_able(made, 3, Decoding(max_new_tokens=longest + 1))


def test_more_candidates_than_the_template_can_mark():
    made = fuser("t5", t5_tokenizer(), "gen_fuser")
    check_able(made, 5, Decoding())
    with pytest.raises(BadModel, match="<extra_id_5>"):
        check_able(made, 6, Decoding())


def test_a_fuser_without_weights():
    with pytest.raises(BadModel, match="no weights yet"):
        check_able(GenFuser(TinySeq2Seq()), 1, Decoding())
