"""A study of chains from its claim to the look at its front."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import TrialState

from workbench.interrupts import CtrlC
from workbench.stages.rankers import short
from workbench.store.store import Store
from workbench.sweeps.chain_figures import Chains
from workbench.sweeps.chain_fused import WithFuser
from workbench.sweeps.chain_names import Models, chain_label, router_labels
from workbench.sweeps.chain_plot import chain_plot
from workbench.sweeps.chain_pool import ChainPool
from workbench.sweeps.chain_report import Chained, front_csv
from workbench.sweeps.chain_search import METRICS, TEXT, choice_of, finished, search_chains
from workbench.sweeps.chain_space import ChainSpace, plain_scheme
from workbench.sweeps.chain_worth import Beside, ChainSetting, Judged, looked_at, thinned
from workbench.sweeps.front import undominated
from workbench.sweeps.ledger import Ledger
from workbench.sweeps.looks import look, write_looks
from workbench.sweeps.study import claimed_study
from workbench.tracking import Run, Tracker, study_storage

_FRONT = 15  # chains of the front that are told, and looked at on test


@dataclass(frozen=True)
class ChainStudy:
    """What a study is asked.

    Attributes:
        store, tracker: where trials and runs are written.
        config: all settings by name.
        space: the choices of each trial.
        ranker: id; '' for none.
        last: the fuser; None: the best answer is taken as it is.
        labels: of routers, for people.
        report_on: split of the look at the front.
    """

    store: Store
    tracker: Tracker
    config: dict[str, Any]
    space: ChainSpace
    ranker: str
    last: WithFuser | None
    labels: Mapping[str, str]
    report_on: str | None

    def done(self, tuned: ChainPool, tested: ChainPool | None, trials: int) -> Chained:
        """Does the trials that are missing, and looks at the front."""
        config, seed = self.config, self.config["seed"]
        data = tuned.fingerprint()
        key = self.tracker.key("chain", config, data)
        name = config["study"] or f"chain-{short(self.ranker) or 'routes'}-{key}"
        asked = config | {"data": data, "store": self.tracker.store_id}
        study = claimed_study(self.store.path, name, key, asked, METRICS)
        with self.tracker.run("chain", config, data, seed=seed) as run:
            # What is fused takes minutes, and is written trial by trial.
            every = 1 if self.last else 50
            ledger = Ledger(self.store, self.tracker, run, study, METRICS, TEXT, every)
            if self.last:
                self.last.label()
            with ledger.kept() as ctrl_c:

                def after_trial() -> None:
                    ledger.one_more()
                    ctrl_c.check()

                chains = self._chains(tuned, ctrl_c)
                search_chains(study, chains, self.space, self._models(), trials, seed, after_trial)
                judged = Judged.on(chains, config["measure"], seed)
                settings = self._front(study, judged)
                looked = self._chains(tested, ctrl_c) if tested else None
                test = Judged.on(looked, config["measure"], seed) if looked else None
                if test:
                    settings = looked_at(settings, test)
                    write_looks(self.store, run.id, self._looks(settings, test))
            found = Chained(
                name, study_storage(self.store.path), len(finished(study)), config["measure"],
                config["cost"], config["comparison_cost"], config["split"], self.report_on,
                settings, self._beside(judged), self._beside(test) if test else None,
            )  # fmt: skip
            _log(run, study, found)
        return found

    def _models(self) -> Models:
        if self.last is None:
            return Models(self.ranker)
        return Models(self.ranker, self.last.fuser.id, str(self.last.decoding))

    def _chains(self, pool: ChainPool, ctrl_c: CtrlC) -> Chains:
        measure, price = self.config["measure"], self.config["comparison_cost"]
        fusing = self.last.over(pool, self.ranker, measure, ctrl_c) if self.last else None
        return Chains(pool, price, fusing)

    def _front(self, study: optuna.Study, judged: Judged) -> list[ChainSetting]:
        told = router_labels(self.space.routers, self.labels)
        front = thinned(undominated(finished(study)), _FRONT)
        choices = {t.user_attrs["setting"][TEXT]: choice_of(t) for t in front}
        worths = judged.of(choices)
        return [
            ChainSetting(choice, name, chain_label(choice, told), worths[name])
            for name, choice in choices.items()
        ]

    def _beside(self, judged: Judged) -> Beside:
        ranking = self.space.ranking
        plain = str(plain_scheme(ranking)) if ranking else ""
        told = router_labels(self.space.routers, self.labels)
        return judged.beside(self.config["measure"], told, plain)

    def _looks(self, settings: Sequence[ChainSetting], test: Judged) -> list[dict[str, Any]]:
        datasets, measure = test.chains.pool.pool.dataset, self.config["measure"]
        return [
            look(s.name, datasets, str(self.report_on), self._measure(figure, measure), found)
            for s in settings
            if s.test
            for figure, found in s.test.all_figures().items()
        ]

    def _measure(self, figure: str, measure: str) -> str:
        """A figure's name in the store: it tells the measure of quality, or the unit of cost."""
        return f"{figure}:{self.config['cost'] if figure.endswith('cost') else measure}"


def _log(run: Run, study: optuna.Study, done: Chained) -> None:
    """Figures of the front, its table, and its plots."""
    looks = {done.split: False} | ({str(done.report_on): True} if done.tested else {})
    run.log_metrics(
        {
            f"front/{place}/{split}/{name}": found.value
            for place, setting in enumerate(done.settings, 1)
            for split, test in looks.items()
            for worth in [setting.test if test else setting.tuned]
            if worth
            for name, found in worth.all_figures().items()
        }
    )
    beside = {done.split: done.beside} | ({str(done.report_on): done.tested} if done.tested else {})
    run.log_text(front_csv(done.settings, beside), "front.csv")
    names = (done.unit, done.measure)
    complete = [t for t in finished(study) if t.state == TrialState.COMPLETE]
    tried = [(t.values[1], t.values[0]) for t in complete]
    title = "Route to m LLMs, rank their answers, pick or fuse the best: what quality costs"
    run.log_figure(
        chain_plot(tried, done.settings, done.beside, f"{title}\n{done.split}", names),
        "plots/front.png",
    )
    if done.tested:
        shown = chain_plot(
            [], done.settings, done.tested, f"{title}\n{done.report_on}", names, True
        )
        run.log_figure(shown, "plots/front-test.png")
