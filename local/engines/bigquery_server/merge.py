"""MERGE ... INSERT ROW: bqemulator's parser does not know it; it is spelled out as columns and values."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp
from sqlglot.tokens import TokenType

from .errors import BigQueryError
from .table_refs import TableRef

if TYPE_CHECKING:
    from .state import State

_MARKER = "__insert_row"
_SOURCE = "__source"


def spelled_out_marker(text: str) -> str:
    """`INSERT ROW` of a MERGE as something that parses: the same statement with a marked column list."""
    try:
        tokens = sqlglot.tokenize(text, read="bigquery")
    except sqlglot.errors.TokenError as error:
        raise BigQueryError("invalidQuery", f"Syntax error: {error}", "query") from error
    if not tokens or tokens[0].token_type is not TokenType.MERGE:
        return text
    for first, second in reversed(list(pairwise(tokens))):
        if first.token_type is TokenType.INSERT and second.text.upper() == "ROW":
            text = f"{text[: second.start]}({_MARKER}) VALUES ({_MARKER}){text[second.end + 1 :]}"
    return text


def expanded(state: State, text: str, project: str, principal: str) -> str:
    """The marked clauses with the columns of both tables, by position, as BigQuery pairs them."""
    from . import sql, tables

    if _MARKER not in text:
        return text
    tree = sqlglot.parse_one(text, read="bigquery")
    target, source = tree.this, tree.args["using"]
    if not source.alias:
        source.set("alias", exp.TableAlias(this=exp.to_identifier(_SOURCE)))
    query = f"SELECT * FROM {source.sql(dialect='bigquery')}"
    given = sql.result_fields(state, *sql.translated(state, query, project, principal, None))
    ref = TableRef(target.catalog or project, target.db, target.name)
    wanted = tables.fields(state, ref)
    if len(given) != len(wanted):
        raise BigQueryError(
            "invalidQuery", f"INSERT ROW: the source has {len(given)} columns, target {ref} has {len(wanted)}", "query"
        )
    for clause in tree.find_all(exp.Insert):
        if _MARKER not in clause.sql():
            continue
        clause.set("this", exp.Tuple(expressions=[exp.column(f["name"], quoted=True) for f in wanted]))
        values = [exp.column(f["name"], table=source.alias, quoted=True) for f in given]
        clause.set("expression", exp.Tuple(expressions=values))
    return tree.sql(dialect="bigquery")
