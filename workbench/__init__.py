"""A research workbench for ensembling large language models: rank, fuse, route, and compare."""

__version__ = "0.1.0"
