"""Every router that learns from vectors, small, and the lines beside them."""

from two_kinds import LLMS

from workbench.routing.baselines import BestSingleRouter, CheapestRouter, RandomRouter
from workbench.routing.cluster import ClusterRouter
from workbench.routing.knn import KNNRouter
from workbench.routing.linear import LinearRouter
from workbench.routing.matrix_factorisation import MatrixFactorisationRouter
from workbench.routing.mlp import MLPRouter
from workbench.routing.similarity_bradley_terry import SimilarityBradleyTerryRouter
from workbench.routing.tfidf import TfidfVectors

TFIDF = TfidfVectors(dimensions=12)
KINDS = {
    "knn": (KNNRouter, {"neighbours": [3, 5]}),
    "knn_weighted": (KNNRouter, {"neighbours": 7, "weights": "distance"}),
    "linear": (LinearRouter, {}),
    "mlp": (MLPRouter, {"hidden": [8, 8], "epochs": 30, "lr": 0.02}),
    "cluster": (ClusterRouter, {"clusters": [2, 4]}),
    "factors": (MatrixFactorisationRouter, {"dimensions": 8, "epochs": 20, "lr": 0.02}),
    "similarity": (SimilarityBradleyTerryRouter, {"gamma": [10.0, 1000.0]}),
}
BASELINES = {
    "best_single": lambda: BestSingleRouter(),
    "cheapest": lambda: CheapestRouter(cheapest=LLMS[::-1]),
    "random": lambda: RandomRouter(seed=3),
}


def made(kind: str, encoder=TFIDF, **options):
    if kind in BASELINES:
        return BASELINES[kind]()
    router, own = KINDS[kind]
    return router(encoder, **own | options)
