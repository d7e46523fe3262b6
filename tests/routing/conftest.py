"""Stores of the made-up world."""

import copy

import pytest
from tiny_routing import filled, world_rows


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """Read only: tests that write make a store of their own."""
    return filled(tmp_path_factory.mktemp("world") / "store.duckdb", world_rows())


@pytest.fixture
def store_of(tmp_path):
    """A store of the world's rows after a change."""

    def make(change=lambda row: None, name="own", **options):
        rows = copy.deepcopy(world_rows(**{"train": 24, "validation": 8, "test": 4, **options}))
        for row in rows:
            change(row)
        return filled(tmp_path / f"{name}.duckdb", rows)

    return make
