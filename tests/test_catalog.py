import pytest

from workbench.catalog import Catalog
from workbench.errors import UnknownName


@pytest.fixture
def catalog():
    catalog = Catalog("scheme")
    catalog.add("copeland")(lambda: 1)
    catalog.add("borda")(lambda: 2)
    return catalog


def test_functions_stand_under_their_names_in_the_order_of_adding(catalog):
    assert list(catalog) == ["copeland", "borda"]
    assert (len(catalog), "borda" in catalog, "bubble" in catalog) == (2, True, False)
    assert catalog["borda"]() == 2


def test_an_unknown_name_is_answered_with_the_nearest_and_all(catalog):
    with pytest.raises(
        UnknownName, match=r"unknown scheme 'boarda'\. Did you mean 'borda'"
    ) as told:
        catalog["boarda"]
    assert "Valid: borda, copeland" in str(told.value)
    with pytest.raises(UnknownName) as told:
        catalog["x"]
    assert "Did you mean" not in str(told.value)


def test_a_name_is_taken_once(catalog):
    with pytest.raises(ValueError, match="'borda' is already defined"):
        catalog.add("borda")(lambda: 3)
    assert catalog["borda"]() == 2
