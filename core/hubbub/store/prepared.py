"""Run the statements of the hot path: compiled once for each database, then the driver's own.

What SQLAlchemy does anew for each execution (finding the compiled form, collecting parameters,
wrapping rows) costs more than what a database does for a row of ours. Everything that is not
asked for with every message runs through SQLAlchemy as usual. docs/decisions/0009 has figures.
"""

import json
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, cast

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ClauseElement,
    ColumnElement,
    Connection,
    Dialect,
    String,
    Table,
    bindparam,
    func,
    insert,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator, TypeEngine

from hubbub.store.types import AnyRow

_Convert = Callable[[Any], Any]
_Make = Callable[[Iterable[Any]], Any]


class Prepared:
    """A statement that runs very often; its parameters are those of its ``bindparam``.

    One that asks for a list of ids uses `among`, not ``in_``.
    """

    def __init__(self, statement: ClauseElement, columns: Iterable[str] | None = None) -> None:
        self._statement = statement
        self._columns = columns
        self._forms: dict[str, _Form] = {}

    def all(self, db: Connection, **values: object) -> list[AnyRow]:
        """Return the rows that the statement finds."""
        form = self._form(db)
        return form.rows(db.exec_driver_sql(form.sql, form.given(values)).cursor)

    def run(self, db: Connection, **values: object) -> int:
        """Run the statement once; return how many rows it changed."""
        form = self._form(db)
        return db.exec_driver_sql(form.sql, form.given(values)).rowcount

    def many(self, db: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run the statement for each of ``rows``, which may be none."""
        form = self._form(db)
        given = [form.given(row) for row in rows]
        if given:
            db.exec_driver_sql(form.sql, given)

    def _form(self, db: Connection) -> "_Form":
        form = self._forms.get(db.dialect.name)
        if form is None:
            compiled = self._statement.compile(dialect=db.dialect, column_keys=self._columns)
            form = self._forms[db.dialect.name] = _Form(cast("SQLCompiler", compiled))
        return form


class Adding:
    """Inserts rows into a table; columns that they do not name get the column's default."""

    def __init__(self, table: Table) -> None:
        self._insert = insert(table)
        self._by_columns: dict[tuple[str, ...], Prepared] = {}

    def many(self, db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert ``rows``, which all name the same columns and may be none."""
        if not rows:
            return
        columns = tuple(rows[0])
        prepared = self._by_columns.get(columns)
        if prepared is None:
            prepared = self._by_columns[columns] = Prepared(self._insert, columns)
        prepared.many(db, rows)


class among(ColumnElement[bool]):  # noqa: N801  # reads like the function that it is in SQL
    """Whether ``column`` (text) is one of the list given as the parameter ``name``.

    One text for lists of any length, which a database can prepare.
    """

    inherit_cache = False

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        self.given: BindParameter[Any] = bindparam(name, type_=_Texts())


@compiles(among, "postgresql")
def _any(element: among, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.column == func.any(element.given), **options)


@compiles(among)
def _each(element: among, compiler: SQLCompiler, **options: Any) -> str:
    values = select(func.json_each(element.given).table_valued("value").c.value)
    return compiler.process(element.column.in_(values), **options)


class _Texts(TypeDecorator[list[str]]):
    """A list of texts: an array, or JSON where there are none."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return ARRAY(String()) if dialect.name == "postgresql" else String()

    def process_bind_param(self, value: Iterable[str] | None, dialect: Dialect) -> Any:
        texts = list(value or ())
        return texts if dialect.name == "postgresql" else json.dumps(texts)


class _Form:
    """A statement in the words of one database."""

    def __init__(self, compiled: SQLCompiler) -> None:
        self.sql: Final = str(compiled)
        named = {name: bind for bind, name in compiled.bind_names.items()}
        converts = {name: _to_database(bind.type, compiled.dialect) for name, bind in named.items()}
        self._parameters = [(name, converts[name]) for name in compiled.positiontup or named]
        self._positional = compiled.positional
        self._fixed = {
            name: value for name, value in compiled.params.items() if not named[name].required
        } | {
            column.key: column.default.arg  # ours are plain values
            for column in getattr(compiled, "insert_prefetch", ())
        }
        columns = compiled._result_columns  # noqa: SLF001  # the one place where they are
        self._make: _Make = namedtuple("Found", [column.keyname for column in columns])._make  # noqa: PYI024  # the names are the statement's
        self._back = [
            (position, convert)
            for position, column in enumerate(columns)
            if (convert := _to_python(column.type, compiled.dialect)) is not None
        ]

    def given(self, values: Mapping[str, Any]) -> Any:
        """Return ``values`` as the driver takes them. Raises `KeyError` for one that is missing."""
        values = {**self._fixed, **values} if self._fixed else values
        if self._positional:
            return tuple(
                [
                    values[name] if convert is None else convert(values[name])
                    for name, convert in self._parameters
                ]
            )
        return {
            name: values[name] if convert is None else convert(values[name])
            for name, convert in self._parameters
        }

    def rows(self, cursor: Any) -> list[AnyRow]:
        """Return what was found, its values as Python has them."""
        found = cursor.fetchall()
        if self._back:
            found = map(self._converted, found)
        return list(map(self._make, found))

    def _converted(self, found: Sequence[Any]) -> Sequence[Any]:
        values = list(found)
        for position, convert in self._back:
            values[position] = convert(values[position])
        return values


def _to_database(kind: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _to_python(kind: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)
