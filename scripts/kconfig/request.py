# SPDX-License-Identifier: MIT
"""The strict reader of .config files, defconfigs and fragments.

kconfig-conf drops what it cannot read; here every such line is a Problem. A file holds lines of
three forms, and nothing else is accepted:

    CONFIG_NAME=value          value: y, n, m, a number, 0x and hex digits, or a "string"
    # CONFIG_NAME is not set   the same as CONFIG_NAME=n
    # a comment, or an empty line

A request is what one or more such files ask for together: later files override earlier ones.
Within one file a symbol may appear once. What a value means for its symbol is check.py's business.
"""

import re
from dataclasses import dataclass, field

from problems import Problem, UserError, shown

ASSIGNMENT = re.compile(r"CONFIG_(\w+)=(.*)")
UNSET = re.compile(r"# CONFIG_(\w+) is not set")
# Comments that were surely meant to be "is not set" lines: kconfig-conf takes some, ignores others.
ALMOST_UNSET = re.compile(r"\s*#+\s*CONFIG_(\w+)\s+(?:is\s+)?not\s+set\b.*", re.IGNORECASE)
STRING = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
HEADER = "# Automatically generated file; DO NOT EDIT."


@dataclass(frozen=True)
class Assignment:
    """One requested value. `quoted` tells "y" (a string) from y; `unset` marks 'is not set'."""

    name: str
    value: str
    file: str
    line: int
    quoted: bool = False
    unset: bool = False

    def text(self):
        """The line as kconfig-conf wants to read it."""
        if self.unset:
            return f"# CONFIG_{self.name} is not set\n"
        return f"CONFIG_{self.name}={self.value_text()}\n"

    def value_text(self):
        """The value as it stands behind the equals sign."""
        return quote(self.value) if self.quoted else self.value

    def problem(self, reason, remedy):
        """A Problem at this line."""
        return Problem(self.file, self.line, self.name, reason, remedy)


@dataclass
class ConfigFile:
    """One parsed file. `full` means that kconfig wrote it, so it should name every symbol.

    `repeated` has the assignments that a duplicate line took the place of.
    """

    file: str
    full: bool = False
    assignments: dict = field(default_factory=dict)
    repeated: list = field(default_factory=list)
    problems: list = field(default_factory=list)


def quote(value):
    """`value` as a Kconfig string."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def unquote(text):
    """The value of a Kconfig string, or None if the quoting is bad."""
    match = STRING.fullmatch(text)
    return re.sub(r"\\(.)", r"\1", match.group(1)) if match else None


def read_config(path):
    """Parse the file at `path`; a UserError if it cannot be read at all."""
    name = shown(path)
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise UserError(f"{name}: cannot be read: {error.strerror}") from None
    return parse_config(data, name)


def parse_config(data, name):
    """Parse the bytes of a file called `name`."""
    config = ConfigFile(name)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[:error.start].count(b"\n") + 1
        config.problems.append(Problem(name, line, "", "malformed line: not UTF-8 text",
                                       "write the file in UTF-8"))
        text = data.decode("utf-8", "replace")
    lines = text.split("\n")
    check_line_ends(config, lines)
    config.full = any(line.rstrip("\r") == HEADER for line in lines[:4])
    for number, line in enumerate(lines, 1):
        parse_line(config, number, line.rstrip("\r"))
    return config


def check_line_ends(config, lines):
    """One Problem for all lines that end in CR LF, at the first of them."""
    bad = [number for number, line in enumerate(lines, 1) if line.endswith("\r")]
    if not bad:
        return
    match = re.search(r"CONFIG_(\w+)", lines[bad[0] - 1])
    more = f", as do {len(bad) - 1} more lines" if len(bad) > 1 else ""
    config.problems.append(Problem(
        config.file, bad[0], match.group(1) if match else "",
        f"line ends in CR LF{more}", "convert the file to Unix line ends (sed -i 's/\\r$//')"))


def parse_line(config, number, line):
    """Add what `line` says to `config`: an assignment, a problem, or nothing."""
    match = ASSIGNMENT.fullmatch(line)
    if match:
        add(config, number, *match.groups())
        return
    match = UNSET.fullmatch(line)
    if match:
        remember(config, Assignment(match.group(1), "n", config.file, number, unset=True))
        return
    match = ALMOST_UNSET.fullmatch(line)
    if match:
        config.problems.append(Problem(
            config.file, number, match.group(1), f"malformed line '{line}'",
            f"write '# CONFIG_{match.group(1)} is not set'"))
    elif line.strip() and not line.startswith("#"):
        match = re.search(r"CONFIG_(\w+)", line)
        config.problems.append(Problem(
            config.file, number, match.group(1) if match else "", f"malformed line '{line}'",
            "write CONFIG_NAME=value without blanks, or '# CONFIG_NAME is not set'"))


def add(config, number, name, text):
    """Add the assignment of `text` to the symbol `name`."""
    here = Assignment(name, text, config.file, number)
    if text.startswith('"'):
        value = unquote(text)
        if value is None:
            config.problems.append(here.problem(
                f"bad quoting in {text}",
                'write "text" on one line, with \\" for a quote and \\\\ for a backslash'))
            return
        here = Assignment(name, value, config.file, number, quoted=True)
    elif not text:
        config.problems.append(here.problem(
            "malformed line: no value", f"give a value, or write '# CONFIG_{name} is not set'"))
        return
    elif text != text.strip():
        config.problems.append(here.problem(
            f"malformed line: blanks around the value '{text.strip()}'", "remove the blanks"))
        here = Assignment(name, text.strip(), config.file, number)
    remember(config, here)


def remember(config, assignment):
    """Keep `assignment`; a second one for a symbol in the same file is a Problem."""
    first = config.assignments.get(assignment.name)
    if first:
        config.repeated.append(first)
        config.problems.append(assignment.problem(
            f"duplicate line: line {first.line} already says {first.text().strip()}",
            f"keep one of the lines {first.line} and {assignment.line}"))
    config.assignments[assignment.name] = assignment


def merge(files, same_choice):
    """What `files` ask for together: a dictionary of name to Assignment.

    A later file wins. Since picking one member of a choice means not picking the others, it also
    takes back the y that an earlier file gave to another member: same_choice(name) lists those.
    """
    wanted = {}
    for config in files:
        for name, assignment in config.assignments.items():
            if assignment.value == "y" and not assignment.quoted:
                for other in same_choice(name):
                    earlier = wanted.get(other)
                    if earlier and earlier.value == "y" and earlier.file != assignment.file:
                        del wanted[other]
            wanted[name] = assignment
    return wanted
