# SPDX-License-Identifier: MIT
"""scripts/test --fresh: proves that a newcomer's two commands work on a Debian with nothing on it.

debootstrap makes a minimal Debian of the host's own release from the host's own mirror (asked from
apt, so nothing is written down here). The tree is copied in without what git ignores, and both
commands run there, in name spaces of their own: mounts and processes are gone when the command is,
however it ends.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from exo import child, results, tree
from exo.results import FAILED, PASSED, Result

PLACE = "/root/exo-kernel"
LIMIT = 3 * 3600
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


class FreshError(Exception):
    """The minimal Debian cannot be made; the text says why."""


def codename():
    """The host's Debian release."""
    with open("/etc/os-release", encoding="utf-8") as file:
        values = dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
    if values.get("ID", "").strip('"') != "debian" or "VERSION_CODENAME" not in values:
        raise FreshError("this host is no Debian release, so it has no mirror of one")
    return values["VERSION_CODENAME"].strip('"')


def mirror(release):
    """Where the host's apt gets the release from."""
    asked = child.run(["apt-get", "indextargets", "--format", "$(SITE) $(CODENAME) $(COMPONENT)",
                       "Created-By: Packages"], 60)
    if not asked.output.strip() and asked.ok:
        raise FreshError("apt has no package lists: run apt-get update")
    for line in asked.output.splitlines():
        words = line.split()
        if words[1:] == [release, "main"]:
            return words[0]
    raise FreshError(f"no source of apt's has {release} main; /etc/apt/sources.list needs one")


def copy_tree(target):
    """Copies the sources: what git knows or would add; outside git, all but build output."""
    os.makedirs(target)
    for name in source_files():
        goal = os.path.join(target, name)
        os.makedirs(os.path.dirname(goal), exist_ok=True)
        shutil.copy2(tree.path(name), goal, follow_symlinks=False)


def source_files():
    """Paths of the sources, relative to the tree."""
    if os.path.exists(tree.path(".git")) and shutil.which("git"):
        listed = child.run(["git", "-c", f"safe.directory={tree.ROOT}", "-C", tree.ROOT, "ls-files",
                            "-z", "--cached", "--others", "--exclude-standard"], 60)
        if listed.ok:
            return [name for name in listed.output.split("\0")
                    if name and os.path.lexists(tree.path(name))]
    found = []
    for directory, subdirectories, files in os.walk(tree.ROOT):
        top = directory == tree.ROOT
        subdirectories[:] = [name for name in subdirectories if name != "__pycache__" and not (
            top and (name in ("build", ".git") or name.startswith("build-")))]
        found += [os.path.relpath(os.path.join(directory, name), tree.ROOT) for name in files]
    return found


_ENTER = """
set -e
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount --rbind /sys "$1/sys"
mount --rbind /dev "$1/dev"
root=$1
shift
exec chroot "$root" /usr/bin/env -i HOME=/root TERM=dumb LANG=C.UTF-8 \\
	PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
"""


def enter(root, command, timeout, stream=None):
    """Runs a command in the Debian below @root; returns (status, output). @stream: shown live."""
    proxies = [f"{name}={os.environ[name]}" for name in _PROXIES if name in os.environ]
    process = child.start(["unshare", "--mount", "--propagation", "private", "--pid", "--fork",
                           "--kill-child", "sh", "-c", _ENTER, "enter", root, *proxies, "sh", "-c",
                           f"cd {PLACE} && {command}"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    limit = threading.Timer(timeout, lambda: child.kill(process))
    limit.start()
    lines = []
    try:
        for line in process.stdout:
            lines.append(line.decode(errors="replace"))
            if stream:
                stream.write("  | " + lines[-1])
                stream.flush()
        return process.wait(60), "".join(lines)
    finally:
        limit.cancel()
        child.kill(process)


def bootstrap(root, release):
    """Makes the minimal Debian; without a @release of its own, the host's."""
    own = codename()
    made = child.run(["debootstrap", "--variant=minbase", release or own, root, mirror(own)], 1800)
    if not made.ok:
        raise FreshError(f"debootstrap: {made.reason()}\n{made.output[-4000:]}")
    shutil.copy("/etc/resolv.conf", os.path.join(root, "etc/resolv.conf"))
    settings = child.run(["apt-config", "dump", "Acquire"], 30).output
    wanted = [line for line in settings.splitlines() if "proxy" in line.lower()]
    with open(os.path.join(root, "etc/apt/apt.conf.d/99host"), "w", encoding="utf-8") as file:
        file.write("\n".join(wanted) + "\n")
    copy_tree(root + PLACE)


def _step(name, found, function):
    """Runs one step; True if it passed."""
    print(f"{name} …", flush=True)
    began = time.monotonic()
    try:
        message = function()
    except FreshError as error:
        message = str(error)
    seconds = time.monotonic() - began
    found.append(Result(name, FAILED if message else PASSED, seconds, message or ""))
    print(f"{name} … {'FAILED: ' + message if message else 'ok'} {seconds:.1f}s", flush=True)
    return not message


def _check_run(root, scale):
    status, output = enter(root, "scripts/run --command help", LIMIT * scale, sys.stdout)
    if status:
        return f"scripts/run --command help ended with status {status}"
    return "" if "poweroff" in output else \
        "scripts/run --command help did not print the list of commands"


def _check_test(root, scale):
    status, output = enter(root, "scripts/test", LIMIT * scale, sys.stdout)
    last = (output.splitlines() or [""])[-1]
    return f"scripts/test ended with status {status}: {last}" if status else ""


def main(options):
    """scripts/test --fresh"""
    if os.geteuid() != 0:
        print("scripts/test: --fresh needs root, for debootstrap and chroot: "
              "run it as root or with sudo", file=sys.stderr)
        return 1
    place = os.path.join(tree.BUILD, "fresh")
    os.makedirs(place, exist_ok=True)
    found, began = [], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="debian-", dir=place) as root:
        os.chmod(root, 0o755)
        try:
            if _step("fresh.debian", found, lambda: bootstrap(root, options.fresh)):
                _step("fresh.run", found, lambda: _check_run(root, options.timeout))
                _step("fresh.test", found, lambda: _check_test(root, options.timeout))
        except KeyboardInterrupt:
            child.kill_all()
            print("\nscripts/test: interrupted", file=sys.stderr)
            return 130
    results.write_junit(os.path.join(place, "junit.xml"), found, time.monotonic() - began)
    print(results.summary(found), flush=True)
    return results.exit_status(found)
