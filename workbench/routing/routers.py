"""All routers of the workbench, so that the command line knows them by their names."""

from workbench.routing.baselines import BestSingleRouter, CheapestRouter, RandomRouter
from workbench.routing.classifier import ClassifierRouter
from workbench.routing.cluster import ClusterRouter
from workbench.routing.knn import KNNRouter
from workbench.routing.linear import LinearRouter
from workbench.routing.matrix_factorisation import MatrixFactorisationRouter
from workbench.routing.mlp import MLPRouter
from workbench.routing.multi_label import MultiLabelRouter
from workbench.routing.regression import RegressionRouter
from workbench.routing.router_dc import RouterDC
from workbench.routing.similarity_bradley_terry import SimilarityBradleyTerryRouter
from workbench.routing.zooter import ZOOTER

ROUTERS = (
    ZOOTER,
    ClassifierRouter,
    MultiLabelRouter,
    RegressionRouter,
    RouterDC,
    KNNRouter,
    LinearRouter,
    MLPRouter,
    ClusterRouter,
    MatrixFactorisationRouter,
    SimilarityBradleyTerryRouter,
    RandomRouter,
    BestSingleRouter,
    CheapestRouter,
)
