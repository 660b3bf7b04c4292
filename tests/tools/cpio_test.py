#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""scripts/build/cpio.py: archives that others can read, the same whenever they are made."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "scripts/build/cpio.py")


def cpio(*words):
    """Runs the script."""
    return subprocess.run([sys.executable, "-B", SCRIPT, *words], capture_output=True, check=False)


def parse(data):
    """[(name, mode, mtime, contents)] of an archive, trailer included, by the format's manual."""
    found, at = [], 0
    while not found or found[-1][0] != "TRAILER!!!":
        fields = [int(data[at + 6 + i * 8:at + 14 + i * 8], 16) for i in range(13)]
        assert data[at:at + 6] == b"070701"
        name = data[at + 110:at + 110 + fields[11]]
        start = (at + 110 + fields[11] + 3) // 4 * 4
        found.append((name[:-1].decode(), fields[1], fields[5], data[start:start + fields[6]]))
        assert name.endswith(b"\0")
        at = (start + fields[6] + 3) // 4 * 4
    assert at == len(data)
    return found


class Archive(unittest.TestCase):
    """What is written."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="exo-cpio-")
        self.addCleanup(directory.cleanup)
        self.where = directory.name

    def file(self, name, data):
        """A file in the temporary directory."""
        path = os.path.join(self.where, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def test_contents(self):
        files = {"b": b"12345", "a": b"\x7fELF...", "empty": b"", "name-of-15-chars": b"1234"}
        made = cpio(*[self.file(name, data) for name, data in files.items()])
        self.assertEqual(made.returncode, 0, made.stderr)
        rows = parse(made.stdout)
        self.assertEqual([row[0] for row in rows], [*sorted(files), "TRAILER!!!"])
        for name, mode, time, data in rows[:-1]:
            self.assertEqual(data, files[name])
            self.assertEqual(time, 0)
            self.assertEqual(mode, 0o100755 if name == "a" else 0o100644)

    def test_given_names(self):
        made = cpio("init.conf=" + self.file("x", b"1"), "etc/y=" + self.file("y", b"2"))
        self.assertEqual([row[0] for row in parse(made.stdout)][:2], ["etc/y", "init.conf"])

    def test_same_bytes(self):
        one, two = self.file("one", b"1"), self.file("two", b"2")
        first = cpio(one, two).stdout
        os.utime(one, (1, 1))
        os.chmod(two, 0o600)
        self.assertEqual(first, cpio(two, one).stdout)

    def test_others_can_read_it(self):
        program = shutil.which("cpio")
        if not program:
            self.skipTest("cpio is not installed")
        made = cpio(self.file("one", b"1"), self.file("two", b"22"))
        done = subprocess.run([program, "-t"], input=made.stdout, capture_output=True, check=True)
        self.assertEqual(done.stdout.split(), [b"one", b"two"])

    def test_errors(self):
        path = self.file("one", b"1")
        for words, text in (((), b"usage:"), ((path, path), b"two files are called 'one'"),
                            ((os.path.join(self.where, "none"),), b"none: No such file"),
                            (("/abs=" + path,), b"cannot be a file's name"),
                            (("=" + path,), b"cannot be a file's name"),
                            (("TRAILER!!!=" + path,), b"cannot be a file's name")):
            with self.subTest(words):
                done = cpio(*words)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(text, done.stderr)
                self.assertNotIn(b"Traceback", done.stderr)


if __name__ == "__main__":
    unittest.main()
