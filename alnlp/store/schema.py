"""The tables as the newest migration leaves them; a test holds the two together."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Integer, MetaData, Table, Text

metadata = MetaData()

events = Table(
    "events",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("uid", Text, nullable=False, unique=True),
    Column("example_id", Text, nullable=False),
    Column("annotator", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("answer", JSON(none_as_null=True)),
    Column("target", Text, ForeignKey("events.uid")),
    Column("comment", Text),
    Column("suggestion", JSON(none_as_null=True)),
    Column("confidence", Float),
    Column("strategy", Text),
    Column("round", Integer),
    Column("seconds", Float),
    Column("created_at", Text, nullable=False),
    Column("bulk", Text),
    Column("blind", Boolean),
)

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True, nullable=False),
    Column("value", JSON, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("example_id", Text, primary_key=True, nullable=False),
    Column("annotator", Text, nullable=False),
    Column("batch", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
)
