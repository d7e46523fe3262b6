"""A tiny random model of T5's family as a directory like those of the hub, and trainings of it."""

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

TEXTS = ["Instruction: Input: Candidate 0: the one answer is two.", "blue, yes; no? hello there"]
QUICK = {"beams": 1, "max_new_tokens": 4}


def t5_tokenizer():
    """Bytes, with T5's special tokens and its end behind each text."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    sentinels = [f"<extra_id_{place}>" for place in range(11)]
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<pad>", "</s>", "<unk>", *sentinels],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(TEXTS, trainer)
    backend.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=sentinels,
    )


def write_t5(folder, seed=0):
    """Writes the model and its tokenizer; gives the folder's name."""
    tokenizer = t5_tokenizer()
    torch.manual_seed(seed)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2,
        decoder_start_token_id=0,
    )  # fmt: skip
    model = T5ForConditionalGeneration(config)
    # Much is made of what was read, so that other prompts have other answers.
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=1.5 if "EncDecAttention" in name else 0.5)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def keep_training(store, folder):
    """A finished training in the tracking store whose fuser is that of a directory; its run id."""
    from workbench.store.store import Store
    from workbench.tracking import Tracker

    config = {"model": {"class_path": "workbench.fusion.gen_fuser.GenFuser"}, "of": str(folder)}
    with Tracker(Store(store).path).run("train", config, "data") as run:
        run.log_folder(folder, "model")
    return run.id
