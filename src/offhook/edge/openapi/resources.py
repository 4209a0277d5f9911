"""The operations that resources have by their tables: lists with their queries, and what is done to one."""

from collections.abc import Sequence

from offhook.edge.openapi.envelope import META
from offhook.edge.openapi.operation import (
    GUARDED,
    WITH_BODY,
    Answer,
    Named,
    Operation,
    Shape,
    by_status,
    data,
    json_body,
    nothing,
    page,
    path_names,
    query,
    together,
)
from offhook.voice.resources.field import Field, codes_of
from offhook.voice.resources.resource import IDS, MAX_PAGE, Action, Filter, Resource
from offhook.voice.resources.schema import Schema, body, reply

_SUMMARIES: dict[Action, str] = {
    "create": "Create a {}",
    "show": "Show a {}",
    "update": "Update a {}",
    "delete": "Delete a {}",
}
# What may be wrong with a body beyond its fields: another one like it, something that it names and is not there, a
# combination that cannot be.
_OF_CONTENT = frozenset(("10012", "10015", "10017", "10027"))
_OF_LISTS = frozenset(("10015", "10026", "10032", "10033"))
_UNKNOWN = frozenset(("10005",))


def operations(resource: Resource, below: str = "/v2") -> list[Operation]:
    """What its table says can be done with a resource `below` this path, as the routes are made from it."""
    path = f"{below}/{resource.path}"
    return [
        operation(resource, action, path if action in ("create", "list") else f"{path}/{{id}}")
        for action in resource.actions
    ]


def operation(resource: Resource, action: Action, path: str) -> Operation:
    """One of them, at this path."""
    if action == "list":
        return listing(resource, path, f"{_identifier(resource)}_list")
    document = document_of(resource)
    made: dict[Action, tuple[str, dict[int, Answer]]] = {
        "create": ("POST", data(document, resource.created)),
        "show": ("GET", data(document)),
        "update": ("PATCH", data(document)),
        "delete": ("DELETE", data(document) if resource.deleted == "shown" else nothing()),
    }
    method, answers = made[action]
    own: Schema = {"type": "string", "pattern": f"^(?:{IDS[resource.id_form].pattern})$"}
    return Operation(
        method=method,
        path=path,
        id=f"{_identifier(resource)}_{action}",
        tag=tag_of(resource),
        summary=_SUMMARIES[action].format(resource.title),
        parameters=path_names(path, own),
        body=_body(resource, action),
        answers=answers,
        refusals=_refusals(resource, action),
    )


def listing(resource: Resource, path: str, id: str, *codes: str, meta: Named = META) -> Operation:
    """A list; `codes` are those of what is in its path."""
    return Operation(
        method="GET",
        path=path,
        id=id,
        tag=tag_of(resource),
        summary=f"List {resource.title}s",
        parameters=(*path_names(path), *_query(resource)),
        answers=page(document_of(resource), meta),
        refusals=together(GUARDED, _of_query(resource), by_status(set(codes))),
    )


def _of_query(resource: Resource) -> dict[int, frozenset[str]]:
    """By what a query that makes no sense is refused."""
    return by_status(_OF_LISTS) if resource.bad_query is None else {resource.bad_query: _OF_LISTS}


def document_of(resource: Resource) -> Named:
    """A resource as the API shows it."""
    return Named(_type_name(resource), reply(resource.fields))


def tag_of(resource: Resource) -> str:
    """Under which heading its operations stand: that of its collection."""
    return resource.path.partition("/")[0].replace("_", " ").capitalize()


def changing(fields: Sequence[Field], *codes: str) -> dict[int, frozenset[str]]:
    """By what a body with these fields may be refused, with these codes besides."""
    bodily = [field for field in fields if not field.read_only]
    return together(GUARDED, WITH_BODY, by_status(codes_of(bodily) | _OF_CONTENT | set(codes)))


def _body(resource: Resource, action: Action) -> dict[str, Shape]:
    if action not in ("create", "update"):
        return {}
    return json_body(Named(_type_name(resource) + action.capitalize(), body(resource.fields, action)))


def _query(resource: Resource) -> tuple[Schema, ...]:
    size: Schema = {"type": "integer", "minimum": 1, "maximum": resource.max_page_size, "default": resource.page_size}
    names = "|".join(name for name, _ in resource.sorts)
    pattern = f"^(?:-?(?:{names})(?:,-?(?:{names})){{0,7}})?$"
    order: Schema = {"type": "string", "pattern": pattern, "default": resource.default_sort}
    return (
        query("page[number]", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 1}),
        query("page[size]", size),
        query("sort", order, "Names, with - for descending."),
        *(each for filter in resource.filters for each in _filter(filter)),
        *(query(name, {"type": "string"}, "Taken, and without effect.") for name in resource.generic),
    )


def _filter(filter: Filter) -> list[Schema]:
    schema: Schema = {"type": "string", "enum": list(filter.choices)} if filter.choices else {"type": "string"}
    if filter.reads == "moment":
        schema |= {"format": "date-time"}
    if filter.shortest:
        schema |= {"minLength": filter.shortest}
    plain = [operator for operator in filter.operators if operator in ("eq", "in")]
    several = "Several are separated by commas." if "in" in plain else ""
    names = [f"filter[{filter.name}]"] * bool(plain)
    names += [f"filter[{filter.name}][{operator}]" for operator in filter.operators]
    return [query(name, schema, several) for name in names]


def _refusals(resource: Resource, action: Action) -> dict[int, frozenset[str]]:
    match action:
        case "show":
            return together(GUARDED, by_status(_UNKNOWN))
        case "delete":
            return together(GUARDED, by_status(_UNKNOWN | {"10021"}))
        case "update":
            return changing(resource.fields, "10005")
        case _:
            return changing(resource.fields)


def _identifier(resource: Resource) -> str:
    return resource.path.replace("/", "_").replace("{", "").replace("}", "")


def _type_name(resource: Resource) -> str:
    return "".join(word[0].upper() + word[1:] for word in resource.title.replace(" of ", " ").split())
