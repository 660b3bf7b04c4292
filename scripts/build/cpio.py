#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Write a cpio archive (newc) to standard output, the same bytes for the same files.

usage: cpio.py [NAME=]FILE...

Names are the files' own, without directories, unless given; they are sorted. Times, owners and
inode numbers are 0, 0 and the place in the archive.
"""

import os
import sys

TRAILER = "TRAILER!!!"


def padding(size):
    """What makes a size a multiple of 4."""
    return b"\0" * (-size % 4)


def entry(number, name, mode, data):
    """One file of the archive: header, name, data."""
    encoded = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08x" % field for field in fields)
    return (header + encoded + padding(len(header) + len(encoded)) + data + padding(len(data)))


def archive(files):
    """The archive of [(name, bytes, executable)]."""
    parts = [entry(number, name, 0o100755 if executable else 0o100644, data)
             for number, (name, data, executable) in enumerate(sorted(files), 1)]
    return b"".join(parts) + entry(0, TRAILER, 0, b"")


def read(word):
    """(name, bytes, executable) of one argument."""
    name, equals, path = word.partition("=")
    if not equals:
        name, path = os.path.basename(word), word
    if not name or name == TRAILER or name != os.path.normpath(name) or name.startswith("/"):
        sys.exit(f"cpio.py: '{word}': '{name}' cannot be a file's name in an archive")
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        sys.exit(f"cpio.py: {path}: {error.strerror}")
    if len(data) > 0xffffffff:
        sys.exit(f"cpio.py: {path}: a file in this format has less than 4 GiB")
    return name, data, data[:4] == b"\x7fELF"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    files = [read(word) for word in sys.argv[1:]]
    names = [name for name, _, _ in files]
    for name in names:
        if names.count(name) > 1:
            sys.exit(f"cpio.py: two files are called '{name}'")
    sys.stdout.buffer.write(archive(files))


if __name__ == "__main__":
    main()
