"""Rows of a Parquet file, read batch by batch."""

from collections.abc import Callable, Iterable, Iterator

from workbench.errors import BadSource, UnknownName
from workbench.sources.lines import require_file
from workbench.sources.row import Row

BATCH_ROWS = 1024


def parquet_rows(
    path: str, required: Iterable[str], known: Callable[[str], bool], told: Iterable[str]
) -> Iterator[Row]:
    """The rows as objects, without reading any yet.

    Args:
        path: the file.
        required: columns that must be there.
        known: whether a column may be there.
        told: the valid columns, for the error of one that may not.

    Raises:
        BadSource: no such file, no Parquet, or a column is missing.
        UnknownName: a column that may not be there.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(require_file(path))
    except pa.ArrowInvalid as error:
        raise BadSource(f"{path}: this is no Parquet file: {error}") from error
    names = table.schema_arrow.names
    for name in required:
        if name not in names:
            raise BadSource(f"{path}: the column '{name}' is missing; there are {', '.join(names)}")
    for name in names:
        if not known(name):
            raise UnknownName(f"column of {path}", name, told)

    def rows() -> Iterator[Row]:
        line = 0
        for batch in table.iter_batches(batch_size=BATCH_ROWS):
            for value in batch.to_pylist():
                line += 1
                yield Row(path, line, value)

    return rows()
