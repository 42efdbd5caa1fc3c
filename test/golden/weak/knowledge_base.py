"""Writes knowledge-base.parquet, compressed with zstd, as pyarrow writes it: pip install pyarrow && python knowledge_base.py"""
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet

rows = [
    {"surface": "Rome", "type": "LOC", "id": "Q220", "aliases": ["Roma"], "popularity": 3},
    {"surface": "Oslo", "type": "LOC", "id": None, "aliases": None, "popularity": None},
]
schema = pa.schema(
    [
        ("surface", pa.string()),
        ("type", pa.string()),
        ("id", pa.string()),
        ("aliases", pa.list_(pa.string())),
        ("popularity", pa.int64()),
    ]
)
table = pa.Table.from_pylist(rows, schema=schema)
parquet.write_table(table, Path(__file__).with_name("knowledge-base.parquet"), compression="zstd")
