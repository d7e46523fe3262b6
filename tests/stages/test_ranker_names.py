from workbench.stages.ranker_names import named, names

ONE, TWO, THREE = (f"{k}" * 32 for k in "abc")


def row(system, measure="quality:m"):
    return (system, "d", "test", "all", measure, 1.0, 0.5, 1.5, 9)


def test_rankers_are_called_by_their_labels_and_told_apart_where_these_are_equal():
    assert names({ONE: "SimCLS", TWO: "PairRanker"}) == {ONE: "SimCLS", TWO: "PairRanker"}
    assert names({ONE: "SimCLS", TWO: "SimCLS"}) == {ONE: "SimCLS aaaaaaaa", TWO: "SimCLS bbbbbbbb"}


def test_only_the_names_of_labelled_rankers_change():
    rows = [
        row(f"{ONE}/max_logits;order=both;schedule=all"),
        row(ONE, "position_bias"),
        row("llm:some/llm", f"picked_share:{ONE}/bubble(seed=0);order=both;schedule=bubble"),
        row(f"{THREE}/borda;order=both;schedule=all"),
        row("judge:a/b", "agreement[a/b]"),
        row("BestSingle"),
    ]
    found = named(rows, {ONE: "SimCLS", TWO: "PairRanker"})
    assert [r[0] for r in found] == [
        "SimCLS/max_logits;order=both;schedule=all",
        "SimCLS",
        "llm:some/llm",
        rows[3][0],
        "judge:a/b",
        "BestSingle",
    ]
    assert found[2][4] == "picked_share:SimCLS/bubble(seed=0);order=both;schedule=bubble"
    assert [r[4] for r in found[3:]] == [r[4] for r in rows[3:]]
    assert [r[5:] for r in found] == [r[5:] for r in rows]
