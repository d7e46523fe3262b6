"""Pairs of answers with votes, as the rows of a file of JSON lines."""


def pair(prompt=1, llms="opt-7b_llama-7b", votes=("1", "2", "tie"), **fields):
    left, right = llms.split("_", 1)
    return {
        "instruction": f"Name river {prompt}.",
        "input": "in Europe",
        "response1": f"{left} says {prompt}",
        "response2": f"{right} says {prompt}",
        "llms": llms,
        "votes": list(votes),
        **fields,
    }


ROWS = [
    pair(1, "opt-7b_llama-7b", ("1", "1", "2")),
    pair(2, "opt-7b_bloom", ("tie", "2", "1")),
    pair(1, "llama-7b_bloom", ("2", "tie", "2")),  # its prompt has been left for another
]
