# SPDX-License-Identifier: MIT
"""Where things are: the source tree, its defconfigs, and the settings of a built kernel."""
import hashlib
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
KERNEL = "exo-kernel.elf"
ISO = "exo-kernel.iso"

_SETTING = re.compile(r"^(CONFIG_\w+)=(.*)$")
_UNSET = re.compile(r"^# (CONFIG_\w+) is not set$")


def path(*parts):
    """A path inside the source tree."""
    return os.path.join(ROOT, *parts)


def defconfigs():
    """Names of the shipped configurations, without the _defconfig."""
    suffix = "_defconfig"
    names = os.listdir(path("defconfigs"))
    return sorted(name[:-len(suffix)] for name in names if name.endswith(suffix))


def files(directory, suffix):
    """All files below a directory of the tree whose names end so, sorted."""
    found = []
    for where, _, names in os.walk(path(directory)):
        found += [os.path.join(where, name) for name in names if name.endswith(suffix)]
    return sorted(found)


def sha256(file_name):
    """Hash of a file's content, or None if there is no such file."""
    try:
        with open(file_name, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except FileNotFoundError:
        return None


class Config:
    """The settings of one .config: config["SMP"] is True, False, an int or a str."""

    def __init__(self, values):
        self.values = values

    @classmethod
    def load(cls, file_name):
        """Reads a .config file."""
        with open(file_name, encoding="utf-8") as file:
            return cls.parse(file.read())

    @classmethod
    def parse(cls, text):
        """Reads the text of a .config."""
        values = {}
        for line in text.splitlines():
            match = _SETTING.match(line)
            if match:
                values[match[1][len("CONFIG_"):]] = cls._value(match[2])
        return cls(values)

    @staticmethod
    def _value(text):
        if text == "y":
            return True
        if text.startswith('"'):
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        return int(text, 0)

    def __getitem__(self, name):
        return self.values.get(name, False)


def change_settings(text, changes):
    """The text of a .config with some settings replaced.

    @changes maps names without CONFIG_ to True, False, an int or a str ("0x.." for a hex number).
    Each setting keeps to one line, so that the check for duplicate lines stays silent.
    """
    lines = []
    for line in text.splitlines():
        match = _SETTING.match(line) or _UNSET.match(line)
        if not match or match[1][len("CONFIG_"):] not in changes:
            lines.append(line)
    for name, value in changes.items():
        if value is False:
            lines.append(f"# CONFIG_{name} is not set")
        elif value is True:
            lines.append(f"CONFIG_{name}=y")
        elif isinstance(value, str) and not re.fullmatch(r"0x[0-9a-f]+", value):
            lines.append(f'CONFIG_{name}="{value}"')
        else:
            lines.append(f"CONFIG_{name}={value}")
    return "\n".join(lines) + "\n"
