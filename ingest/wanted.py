"""What is to be pulled: a row of [[pulls]] in hearth.toml, or the options of one command; and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, get_type_hints

import msgspec

from data.meant import meant
from data.settings import SettingsError
from ingest.apis._service import Service, Wanted, services

COMMAND = 0  # the number of the row that a command's options make; those of hearth.toml count from 1
AN_OPTION = re.compile(r"--([\w-]+) ([^\s)]+)")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
TEXT = "a text"
# What to write for a value of each type, by a part of the type's name.
WISHES = {
    "Mapping": "what each resource costs, such as { post = 0.005 }",
    "date": "a day such as 2026-05-01",
    "bool": "true or false",
    "float": "a number such as 5",
    "int": "a whole number such as 500",
    "": TEXT,
}
ONLY_CHARGED = {"budget_dollars", "budget_resources", "run_dollars", "run_resources", "prices"}
ONLY_LISTED = {"service", "on", "prices"}  # where nothing is listed, to leave it on makes no sense


class Option(NamedTuple):
    """A setting of a row, or an option of a command."""

    name: str
    kind: Any
    meaning: str
    is_needed: bool

    @property
    def wish(self) -> str:
        """What to write for a value."""
        return next(wish for part, wish in WISHES.items() if part in str(self.kind))


class Asked(NamedTuple):
    """Who was asked, and how that is spoken of: as a command's options, or as a row's settings."""

    name: str
    service: Service
    number: int

    def said(self, what: str) -> str:
        """What is wrong, and where."""
        return f"{self.name}: {what}" if self.number == COMMAND else f"[[pulls]] row {self.number}, {self.name}: {what}"

    def named(self, field: str) -> str:
        """A setting, as it is written there."""
        return f"--{field.replace('_', '-')}" if self.number == COMMAND else field

    @property
    def fields(self) -> dict[str, Option]:
        """The settings that can be given there."""
        out = (ONLY_LISTED if self.number == COMMAND else {"service"}) | (
            set() if self.service.PRICES else ONLY_CHARGED
        )
        kinds, meanings = (get_type_hints(self.service.Options, include_extras=extras) for extras in (False, True))
        return {
            each.name: Option(each.name, kinds[each.name], meanings[each.name].__metadata__[0], each.required)
            for each in msgspec.structs.fields(self.service.Options)
            if each.name not in out
        }

    def explained(self, row: Mapping[str, Any], message: str) -> str:
        """What msgspec found, or a setting's own rule, for the person who wrote the row."""
        missing = re.search(r"missing required field `(\w+)`", message)
        unknown = re.search(r"unknown field `(.+?)`", message)
        misfit = re.search(r" - at `\$\.(\w+)", message)
        if missing:
            first = (self.service.__doc__ or "").partition("\n")[0]
            if self.number != COMMAND:
                first = AN_OPTION.sub(lambda found: f'{found[1].replace("-", "_")} = "{found[2]}"', first)
            return f"{self.named(missing[1])} is missing. {first}".rstrip()
        if unknown:
            name = self.named(unknown[1])
            return f"{name} is not known{meant(name, map(self.named, self.fields))}."
        if misfit:
            name, value, wish = self.named(misfit[1]), row.get(misfit[1]), self.fields[misfit[1]].wish
            wish = f'it in quotes: {name} = "{value}"' if wish == TEXT and isinstance(value, int | float) else wish
            return f"{name} is {value!r}. Write {wish}."
        field, _, rest = message.partition(" ")  # our own rules begin with the setting they speak of
        return f"{self.named(field)} {rest}." if field in self.service.Options.__struct_fields__ else f"{message}."


def chosen(row: Mapping[str, Any], number: int, *, is_rehearsed: bool = False) -> tuple[Service, Wanted]:
    """A row of [[pulls]] with its service; row 0 are the options of a command. What is only rehearsed needs no budget.

    SettingsError says what is wrong with it, and what is allowed.
    """
    known, name = services(), str(row.get("service", ""))
    if name not in known:
        where = "" if number == COMMAND else f"[[pulls]] row {number}: "
        raise SettingsError(f"{where}there is no service {name!r}{meant(name, known)}.")
    asked = Asked(name, known[name], number)
    try:
        wanted = msgspec.convert(dict(row), asked.service.Options, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(asked.said(asked.explained(row, str(error)))) from None
    if alien := wanted.prices.keys() - asked.service.PRICES.keys():
        allowed = ", ".join(asked.service.PRICES) or "none: it charges for nothing"
        raise SettingsError(asked.said(f"prices: {', '.join(sorted(alien))} is not known. There are: {allowed}."))
    if asked.service.PRICES and not (is_rehearsed or wanted.has_budget):
        raise SettingsError(asked.said(needs_budget(number)))
    return asked.service, wanted


def needs_budget(number: int) -> str:
    """That a service which charges wants to know how much it may cost."""
    example = "--budget-dollars 5" if number == COMMAND else "budget_dollars = 5"
    return (
        f"it charges for what it answers, so say how much a month may cost at most, such as {example}. What a pull "
        "would cost says --dry-run, which is free."
    )


def called(row: Mapping[str, Any], number: int, where: str = "") -> str:
    """A row by its service's name, and its place where there are several, as `Asked.said` begins; after its line."""
    name = str(row.get("service", "?"))
    return name if number == COMMAND else f"{where}{': ' if where else ''}[[pulls]] row {number}, {name}"


def options(service: str, words: Sequence[str]) -> dict[str, str]:
    """`--name value`, `--name=value`, or `--name` alone where it is true or false, as a row of settings.

    SettingsError for anything else.
    """
    known = services().get(service)
    fields = Asked(service, known, COMMAND).fields if known else {}
    found, waiting = {"service": service}, list(words)
    while waiting:
        name, is_whole, value = waiting.pop(0).partition("=")
        if not name.startswith("--"):
            first = next((f"--{each.replace('_', '-')}" for each in fields if each not in Wanted.__struct_fields__), "")
            raise SettingsError(f"{service}: what is {name!r}? Write it after the name of an option: {first} {name}")
        field = name[2:].replace("-", "_")
        is_alone = not is_whole and (not waiting or waiting[0].startswith("--"))
        if is_alone and field in fields and fields[field].kind is not bool:
            raise SettingsError(f"{service}: {name} needs a value after it, such as {name} VALUE")
        found[field] = value if is_whole else "true" if is_alone else waiting.pop(0)
    return found


def seconds(text: str) -> float:
    """A time such as 15m, 6h or 90s. ValueError for any other."""
    number, unit = text[:-1], text[-1:]
    if unit not in UNITS or not number.isdecimal() or int(number) == 0:
        raise ValueError(f"{text!r} is no time: write 90s, 15m, 6h or 1d")
    return int(number) * UNITS[unit]
