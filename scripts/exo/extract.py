# SPDX-License-Identifier: MIT
"""scripts/extract-config: the configuration that is built into a kernel (CONFIG_IKCONFIG).

It is plain text between two marks, so it is found in an ELF as well as in an ISO around it.
"""
import argparse
import re
import sys

# The text between the marks must look like a configuration: the marks alone may be anywhere.
_LINE = rb"(?:(?:#|CONFIG_\w+=)[^\n\0]*)?\n"
_TEXT = re.compile(rb"EXO_CONFIG_BEGIN\n((?:" + _LINE + rb")*)EXO_CONFIG_END\n")


def extract(data):
    """The text of the configuration in a kernel's or an ISO's bytes, or None."""
    match = _TEXT.search(data)
    return match[1].decode(errors="replace") if match else None


def main(arguments):
    """scripts/extract-config"""
    parser = argparse.ArgumentParser(
        prog="scripts/extract-config",
        description="Print the configuration that is built into a kernel (an ELF or an ISO).")
    parser.add_argument("image", metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        with open(options.image, "rb") as file:
            text = extract(file.read())
    except OSError as error:
        print(f"scripts/extract-config: cannot read {options.image}: {error.strerror}",
              file=sys.stderr)
        return 1
    if text is None:
        print(f"scripts/extract-config: no configuration is in {options.image}: is it a kernel, "
              "and was it built with CONFIG_IKCONFIG=y?", file=sys.stderr)
        return 1
    print(text, end="")
    return 0
