# SPDX-License-Identifier: MIT
"""Nothing but boot code uses boot code (CONFIG_RELEASE_BOOT_CODE): afterwards it is not there.

Looked at are the objects of a build: a relocation in code or data that stays, against something in
a section .boot_code.N, is a call or a pointer that outlives it. Tables of addresses within a
function (switch) name the section and are its own. Self tests and benchmarks run before the code is
released, as does what kernel_main() calls.
"""
import os
import re

from exo import child, symbols
from exo.runner import Failed

_SYMBOL = re.compile(r"^[0-9a-f]{16} g.{6} \.boot_code\.\S+\t[0-9a-f]+ (?:\.hidden )?(\S+)$", re.M)
_FILE = re.compile(r"^(\S.*):     file format ", re.M)
_SECTION = re.compile(r"^RELOCATION RECORDS FOR \[(.*)\]:$")
_RELOCATION = re.compile(r"^[0-9a-f]{16} R_\S+ +(\S+?)(?:[-+]0x[0-9a-f]+)?$")
_GONE_TOO = (".boot", ".debug", ".eh_frame", ".comment")  # beginnings of sections' names
_CALLER = ".text.kernel_main"


def _objects(directory):
    """The kernel's objects, without what runs only before boot is over."""
    found = []
    for place, directories, names in os.walk(directory):
        if place == directory:
            directories[:] = [name for name in directories if name not in ("user", "tests")]
        found += [os.path.join(place, name) for name in names
                  if name.endswith(".o") and "bench" not in name]
    return sorted(found)


def _dump(option, objects):
    done = child.run([symbols.cross_tool("objdump"), option, *objects], 120)
    if not done.ok:
        raise Failed(f"objdump {option}: {done.reason()}", done.output[-4000:])
    return done.output


def uses(directory):
    """["FILE: SECTION uses NAME"] of everything that would use released code."""
    objects = _objects(directory)
    names = set(_SYMBOL.findall(_dump("-t", objects)))
    found, file, section = [], "", ""
    for line in _dump("-r", objects).splitlines():
        if match := _FILE.match(line):
            file = os.path.relpath(match[1], directory)
        elif match := _SECTION.match(line):
            section = match[1]
        elif match := _RELOCATION.match(line):
            gone = section.startswith(_GONE_TOO) or section == _CALLER
            own = match[1].startswith(".boot_code.") and section.startswith(".text")
            if not gone and (match[1] in names or own):
                found.append(f"{file}: {section} uses {match[1]}")
    return found


def check(build):
    """Fails if something in @build would use released code."""
    if not build.config["RELEASE_BOOT_CODE"]:
        return
    wrong = uses(build.directory)
    if wrong:
        raise Failed(f"{len(wrong)} uses of __boot code from elsewhere", "\n".join(wrong))
