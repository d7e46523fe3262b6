"""A prompt as one text."""


def source_text(instruction: str, input: str = "") -> str:
    """The prompt as rankers and routers read it: the instruction, and the input, if any, below."""
    return f"{instruction}\n{input}" if input else instruction
