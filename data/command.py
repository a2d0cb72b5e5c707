"""How a command line is run: what it is given wrongly it says in one line, with what is allowed."""

from __future__ import annotations

import os
import re
import sys
from datetime import date
from typing import Any

import typer
from typer._click.exceptions import BadOptionUsage, MissingParameter, NoArgsIsHelpError, NoSuchOption, UsageError

from data.meant import meant

WRONG_USAGE, STOPPED = 2, 130
KINDS = {
    "int_parsing": "is not a whole number",
    "float_parsing": "is not a number",
    "greater_than_equal": "is too small; it has to be at least {ge}",
}
"""What the reading of a value complains about, in words."""


def run(app: typer.Typer) -> int:
    """Run a command and say how it ended. A wrong use is told in one line, not in the box that Typer would draw."""
    try:
        return app(standalone_mode=False) or 0
    except NoArgsIsHelpError as error:
        error.show()
    except UsageError as error:
        typer.echo(f"hearth: {_said(error)}", err=True)
    except BrokenPipeError:  # whoever read along has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return WRONG_USAGE


def day(text: str | None, option: str) -> date | None:
    """The day that an option gives, if it is given."""
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day; write it like 2026-01-05", param_hint=option) from None


def _said(error: UsageError) -> str:
    """What was given wrongly, in one line."""
    if isinstance(error, MissingParameter):
        return f"{_name(error)} is missing. {getattr(error.param, 'help', '')} {_more(error)}"
    if isinstance(error, typer.BadParameter):
        return _of_a_value(error)
    if isinstance(error, NoSuchOption):
        return (
            f"{error.option_name}: there is no such option{meant(error.option_name, _options(error))}. {_more(error)}"
        )
    if isinstance(error, BadOptionUsage):
        return f"{error.option_name} needs a value. {_more(error)}".strip()
    return _of_a_word(error)


def _of_a_word(error: UsageError) -> str:
    """What is wrong with a word that is neither an option nor its value: it stands in quotes or brackets."""
    commands = getattr(error.cmd, "commands", {})
    wrong = (re.findall(r"'(.+?)'|\((?!s\))(.+)\)", error.message) or [(error.message, "")])[0]
    if commands:
        return f"{wrong[0]}: there is no such command{meant(wrong[0], commands)}"
    return f"{wrong[0] or wrong[1]}: this word is not expected here. {_more(error)}"


def _of_a_value(error: typer.BadParameter) -> str:
    """What is wrong with a value: in our own words where the command complains, else in plain ones."""
    if error.param is None:
        return f"{error.param_hint}: {error.message}" if error.param_hint else error.message
    found: dict[str, Any] = next(iter(getattr(error.__cause__, "errors", list)()), {})
    value, name = found.get("input"), _name(error)
    if choices := _choices(error):
        return f"{name} {value}: there is none{meant(str(value), choices)}"
    if kind := KINDS.get(found.get("type", "")):
        return f"{name} {value}: this {kind.format(**found.get('ctx', {}))}"
    return f"{name}: {error.message}"


def _choices(error: typer.BadParameter) -> list[str]:
    """What a value may be, if it may only be one of a few: each stands between quotes, after the wrong one."""
    told = error.message.partition(" is not one of ")[2]
    return told.split("'")[1::2]


def _name(error: typer.BadParameter) -> str:
    """What the parameter is called on the command line."""
    opts = getattr(error.param, "opts", [])
    return max(opts, key=len) if opts and opts[0].startswith("-") else str(getattr(error.param, "name", "")).upper()


def _options(error: UsageError) -> list[str]:
    return [opt for each in getattr(error.cmd, "params", []) for opt in each.opts if opt.startswith("--")]


def _more(error: UsageError) -> str:
    return f"More: {error.ctx.command_path} --help" if error.ctx else ""
