"""What every task asks of the database, as statements that are built once.

Django builds the SQL of a query anew each time, which takes several times as long as the database needs to answer it.
Here a query is built once, with places for values, and each run only fills them in. What a move demands and writes is
still said in one place, `Transitions`: its own methods build the query.

PostgreSQL too need not read and plan it anew: the values are sent beside it, so that psycopg prepares it after a few
runs (DATABASE_PREPARE_AFTER). Django's own cursors write the values into the text.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, cast
from uuid import UUID

from django.db import connection, models
from django.db.backends.utils import CursorWrapper
from django.db.models.sql.subqueries import UpdateQuery
from django.utils.module_loading import import_string

from progress_app.events import State
from tasks_app.models import Subscription, Task
from tasks_app.transitions import Transitions

Built = tuple[str, tuple[Any, ...]]  # SQL and its parameters, some of which are places

BINDING: Final = "django.db.backends.postgresql.base.ServerBindingCursor"
FIELDS: Final = Task._meta.concrete_fields
NAMES: Final = [field.attname for field in FIELDS]


class Given(models.Expression):
    """A place in a query for a value that each run gives, by the name of the field that it is for."""

    def __init__(self, field: Any) -> None:
        super().__init__(output_field=field)
        self.name: str = field.name

    def as_sql(self, _compiler: Any, _connection: Any) -> tuple[str, Any]:
        """Stand among the parameters."""
        return "%s", [self]

    def filled(self, values: Mapping[str, Any]) -> Any:
        """The value as the database takes it."""
        return self.output_field.get_db_prep_save(values[self.name], connection)


class Drafts(Transitions):
    """Builds the statement of a move in place of moving."""

    @staticmethod
    def _moved(rows: Transitions, **values: Any) -> Any:
        query: Any = rows.query.chain(UpdateQuery)
        query.add_update_values(values)
        return query.get_compiler(rows.db).as_sql()


def insert(task: Task) -> None:
    """Save a new task, as `save` does; Django's signals are not sent, as they are not for its moves.

    Raises:
        IntegrityError: it would be a twin.

    """
    values = [field.get_db_prep_save(field.pre_save(task, True), connection) for field in FIELDS]
    with _cursor() as cursor:
        cursor.execute(_insert(), values)
    task._state.adding, task._state.db = False, connection.alias


def claim(task_id: UUID, *, worker: str, lease_s: float, once: tuple[str, ...]) -> Task | None:
    """Take a waiting task, as `Transitions.claim`; None: it does not wait, or there is none."""
    sql, parameters = _filled(_move("claim", "worker", lease_s=lease_s, once=once), id=task_id, worker=worker)
    with _cursor() as cursor:
        if not connection.features.can_return_columns_from_insert:  # an SQLite that cannot, cannot in an UPDATE either
            cursor.execute(sql, parameters)
            return Task.objects.get(pk=task_id) if cursor.rowcount else None
        cursor.execute(f"{sql} RETURNING {_columns()}", parameters)
        rows = cursor.fetchall()
    return _task(rows[0]) if rows else None


def finish(task_id: UUID, *, attempt: int, state: State, **outcome: Any) -> bool:
    """End an owned task, as `Transitions.finish`."""
    built = _move("finish", "attempt", *outcome, state=state)
    with _cursor() as cursor:
        cursor.execute(*_filled(built, id=task_id, attempt=attempt, **outcome))
        return bool(cursor.rowcount)


def subscribers(task_id: UUID) -> list[int]:
    """The primary keys of those who asked to be told of the task's end."""
    with _cursor() as cursor:
        cursor.execute(*_filled(_subscribers(), task=task_id))
        return [user for (user,) in cursor.fetchall()]


@contextmanager
def _cursor() -> Iterator[CursorWrapper]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql" and not connection.queries_logged:  # a log shows the values in the text
            cursor.cursor = import_string(BINDING)(connection.connection)
        yield cursor


@cache
def _move(name: str, *given: str, **fixed: Any) -> Built:
    """The statement of a move of one task, with places for the values of these fields."""
    places = {field: Given(Task._meta.get_field(field)) for field in given}
    row = Drafts(Task).filter(pk=Given(Task._meta.pk))
    return cast("Built", getattr(row, name)(**places, **fixed))


@cache
def _insert() -> str:
    columns, places = _columns(), ", ".join(["%s"] * len(FIELDS))
    return f"INSERT INTO {connection.ops.quote_name(Task._meta.db_table)} ({columns}) VALUES ({places})"  # noqa: S608


@cache
def _subscribers() -> Built:
    asked = Subscription.objects.filter(task=Given(Subscription._meta.get_field("task")))
    return asked.values_list("user").query.sql_with_params()


def _filled(built: Built, **values: Any) -> Built:
    sql, parameters = built
    return sql, tuple(each.filled(values) if isinstance(each, Given) else each for each in parameters)


@cache
def _columns() -> str:
    return ", ".join(connection.ops.quote_name(field.column or "") for field in FIELDS)


@cache
def _converters() -> list[tuple[int, Any, list[Any]]]:
    """Place, expression and functions of the columns whose values Django converts."""
    columns = [field.get_col(Task._meta.db_table) for field in FIELDS]
    found = [[*connection.ops.get_db_converters(col), *col.get_db_converters(connection)] for col in columns]
    return [(place, columns[place], functions) for place, functions in enumerate(found) if functions]


def _task(row: tuple[Any, ...]) -> Task:
    values = list(row)
    for place, column, functions in _converters():
        for function in functions:
            values[place] = function(values[place], column, connection)
    return Task.from_db(connection.alias, NAMES, values)
