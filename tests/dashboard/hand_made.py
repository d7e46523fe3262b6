"""Stores of a few scores that a test writes down."""

from workbench.store.store import Store


def filled(path, scores, texts=None):
    """A store of hand-made scores: prompt -> LLM -> scores of its answers, by the measure `m`."""
    store = Store.create(path)
    rows = [(f"p{p}", llm, k, value) for p, of_prompt in enumerate(scores)
            for llm, values in of_prompt.items() for k, value in enumerate(values)]  # fmt: skip
    ids = [f"{p}-{llm}-{k}" for p, llm, k, _ in rows]
    with store.writing() as db:
        for p in range(len(scores)):
            db.execute("insert into prompts values (?, 'd', 'test', ?, '', null, null)",
                       [f"p{p}", f"question {p}"])  # fmt: skip
        for (p, llm, k, value), one in zip(rows, ids, strict=True):
            text = (texts or {}).get((p, llm))
            db.execute("insert into candidates values (?, ?, ?, ?, ?, null, null, null, null)",
                       [one, p, llm, text, f"seed {k}"])  # fmt: skip
            db.execute("insert into qualities values (?, 'm', ?)", [one, value])
    return store
