"""Run the statements of the hot path: compiled once for each database, then the driver's own.

What SQLAlchemy does anew for each execution (finding the compiled form, collecting parameters,
wrapping rows) costs more than what a database does for a row of ours. Everything that is not
asked for with every message runs through SQLAlchemy as usual. docs/decisions/0011 has figures.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar, cast

from pydantic_core import to_json
from sqlalchemy import (
    ARRAY,
    BindParameter,
    ClauseElement,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    FromClause,
    String,
    Table,
    Text,
    bindparam,
    cast as cast_to,
    column,
    func,
    insert,
    literal,
    select,
    table as lightweight_table,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
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

    def __init__(self, statement: ClauseElement) -> None:
        self._forms = _Forms(lambda dialect: _Form(_compiled(statement, dialect)))

    def all(self, db: Connection, **values: object) -> list[AnyRow]:
        """Return the rows that the statement finds."""
        form = self._forms.of(db)
        return form.rows(db.exec_driver_sql(form.sql, form.given(values)).cursor)

    def run(self, db: Connection, **values: object) -> int:
        """Run the statement once; return how many rows it changed."""
        form = self._forms.of(db)
        return db.exec_driver_sql(form.sql, form.given(values)).rowcount

    def each(self, db: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run the statement once for each of ``rows``: for bytes, which are no JSON."""
        form = self._forms.of(db)
        db.exec_driver_sql(form.sql, [form.given(row) for row in rows])


class Many:
    """A statement over many rows at once: as many as there are in one run of it, or in a few.

    ``make`` is given those rows as a table, with a column for each of ``columns``. A driver that
    runs a statement once for each row pays for each one, and gives way to other threads each time.
    """

    def __init__(
        self, columns: Mapping[str, TypeEngine[Any]], make: Callable[[FromClause], ClauseElement]
    ) -> None:
        def form(dialect: Dialect) -> _AsJson | _AsValues:
            kind = _AsJson if dialect.name == "postgresql" else _AsValues
            return kind(dict(columns), make, dialect)

        self._forms = _Forms(form)

    def run(self, db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run it over ``rows``, which may be none; each has a value for every column."""
        if rows:
            self._forms.of(db).run(db, rows)


class _AsJson:
    """Rows travel as one piece of JSON, which is one parameter however many they are."""

    def __init__(
        self,
        columns: Mapping[str, TypeEngine[Any]],
        make: Callable[[FromClause], ClauseElement],
        dialect: Dialect,
    ) -> None:
        rows = func.jsonb_to_recordset(cast_to(bindparam("rows", type_=Text()), JSONB))
        given = rows.table_valued(
            *(column(name, kind) for name, kind in columns.items()), name="given"
        ).render_derived(with_types=True)
        self._form = _Form(_compiled(make(given), dialect))

    def run(self, db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        form = self._form
        db.exec_driver_sql(form.sql, form.given({"rows": to_json(rows).decode()}))


class _AsValues:
    """Rows travel as so many parameters, a fixed number of rows at a time.

    SQLite takes these three times as fast as JSON, which it reads anew for each column.
    """

    #: Few different numbers, so that the driver keeps the statements.
    SIZES: Final = (64, 16, 4, 1)

    def __init__(
        self,
        columns: Mapping[str, TypeEngine[Any]],
        make: Callable[[FromClause], ClauseElement],
        dialect: Dialect,
    ) -> None:
        given = lightweight_table("given", *(column(name, kind) for name, kind in columns.items()))
        self._form = _Form(_compiled(make(given), dialect))
        self._converts = [(name, _to_database(kind, dialect)) for name, kind in columns.items()]
        names = ", ".join(map(dialect.identifier_preparer.quote, columns))
        row = f"({', '.join('?' * len(columns))})"
        self._sql = {
            size: f"WITH given ({names}) AS (VALUES {', '.join([row] * size)}) {self._form.sql}"
            for size in self.SIZES
        }

    def run(self, db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        fixed = self._form.given({})
        at = 0
        for size in self.SIZES:
            while len(rows) - at >= size:
                values = [
                    row[name] if convert is None else convert(row[name])
                    for row in rows[at : at + size]
                    for name, convert in self._converts
                ]
                db.exec_driver_sql(self._sql[size], (*values, *fixed))
                at += size


def setting(table: Table, *columns: str) -> Many:
    """Return what sets ``columns`` of the rows of ``table`` that have these ids."""
    return Many(
        {name: table.c[name].type for name in ("id", *columns)},
        lambda given: (
            update(table)
            .where(table.c.id == given.c.id)
            .values({name: given.c[name] for name in columns})
        ),
    )


class Adding:
    """Inserts rows into a table; columns that they do not name get the column's default."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._by_columns: dict[tuple[str, ...], Many] = {}

    def run(self, db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert ``rows``, which all name the same columns and may be none."""
        if not rows:
            return
        columns = tuple(rows[0])
        statement = self._by_columns.get(columns)
        if statement is None:
            statement = self._by_columns[columns] = self._inserting(columns)
        statement.run(db, rows)

    def _inserting(self, columns: Sequence[str]) -> Many:
        defaults = {
            column.name: literal(default.arg, column.type)  # ours are plain values
            for column in self._table.c
            if column.name not in columns and (default := cast("Any", column.default)) is not None
        }
        return Many(
            {name: self._table.c[name].type for name in columns},
            lambda given: insert(self._table).from_select(
                [*columns, *defaults],
                select(*(given.c[name] for name in columns), *defaults.values()),
                include_defaults=False,
            ),
        )


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
        return texts if dialect.name == "postgresql" else to_json(texts).decode()


_F = TypeVar("_F")


class _Forms(Generic[_F]):
    """What a statement becomes on each database, made when it is first run there."""

    def __init__(self, make: Callable[[Dialect], _F]) -> None:
        self._make = make
        self._made: dict[str, _F] = {}

    def of(self, db: Connection) -> _F:
        """Return the form for the database of ``db``."""
        form = self._made.get(db.dialect.name)
        if form is None:
            form = self._made[db.dialect.name] = self._make(db.dialect)
        return form


def _compiled(statement: ClauseElement, dialect: Dialect) -> SQLCompiler:
    return cast("SQLCompiler", statement.compile(dialect=dialect))


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
        } | {column.key: cast("Any", column.default).arg for column in _defaulted(compiled)}
        columns = compiled._result_columns  # noqa: SLF001  # the one place where they are
        found: Any = namedtuple("Found", [column.keyname for column in columns])  # type: ignore[misc]  # noqa: PYI024  # the names are the statement's
        self._make: _Make = found._make
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


def _defaulted(compiled: SQLCompiler) -> Sequence[Column[Any]]:
    return getattr(compiled, "insert_prefetch", ())


def _to_database(kind: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _to_python(kind: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)
