"""What the help of `pull` says of each service: its options, its credentials, and what its terms ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ingest.apis._client import SECRETS_FILE
from ingest.apis._service import Service, Wanted, services
from ingest.wanted import COMMAND, TEXT, Asked, Option

MORE = "Each in full, with where to get its credentials: python -m ingest pull SERVICE --help"


def in_short() -> str:
    """Every service in a paragraph, for the help of the command itself."""
    return "\n\n".join([*(_paragraph(name, service) for name, service in services().items()), MORE])


def in_full(name: str) -> str:
    """All about one service."""
    service = services()[name]
    needed, other = _options(name, service)
    given = " ".join([*(f"--{_dashed(each)} {each.name.upper()}" for each in needed), *_budget(service)])
    keys = [(f"{key} ({_if(key in _optional(service))})", how) for key, how in service.SECRETS.items()]
    lists = {
        "Options": [(f"--{_dashed(each)} ({_state(each)})", _meaning(each)) for each in [*needed, *other]],
        f"Credentials, in the environment or in {SECRETS_FILE} (chmod 600)": keys,
    }
    parts = [f"Usage: python -m ingest pull {name} {given}".rstrip(), (service.__doc__ or "").strip()]
    parts += ["\n".join([f"{title}:", *_lines(rows)]) for title, rows in lists.items()]
    return "\n\n".join([*parts, f"Its terms: {service.TERMS}"])


def _paragraph(name: str, service: Service) -> str:
    needed, other = _options(name, service)
    own = [each for each in other if each.name not in Wanted.__struct_fields__]
    must = [key for key in service.SECRETS if key not in _optional(service)]
    may = [key for key in service.SECRETS if key in _optional(service)]
    first = (service.__doc__ or "").partition("\n")[0]
    takes = [*(f"--{_dashed(each)}" for each in own), *may]
    must = [*(f"--{_dashed(each)}" for each in needed), *_budget(service), *must]
    parts = [first, f"Needed: {', '.join(must)}."]
    parts += [f"Optional: {', '.join(takes)}."] if takes else []
    return f"{name}: {' '.join([*parts, service.TERMS])}"


def _options(name: str, service: Service) -> tuple[list[Option], list[Option]]:
    """What must be given, and what may be: its own before what every service takes."""
    options = list(Asked(name, service, COMMAND).fields.values())
    options.sort(key=lambda each: each.name in Wanted.__struct_fields__)
    return [each for each in options if each.is_needed], [each for each in options if not each.is_needed]


def _optional(service: Service) -> frozenset[str]:
    found: frozenset[str] = getattr(service, "OPTIONAL", frozenset())
    return found


def _budget(service: Service) -> list[str]:
    """What a service that charges needs besides."""
    return ["--budget-dollars or --budget-resources"] if service.PRICES else []


def _state(option: Option) -> str:
    return "one of the two" if option.name.startswith("budget") else _if(not option.is_needed)


def _if(is_optional: bool) -> str:
    return "optional" if is_optional else "needed"


def _dashed(option: Option) -> str:
    return option.name.replace("_", "-")


def _meaning(option: Option) -> str:
    return option.meaning if option.wish == TEXT else f"{option.meaning}: {option.wish}"


def _lines(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    width = max(len(name) for name, _ in rows)
    yield from (f"  {name:{width}}  {told}" for name, told in rows)
