#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""scripts/run as a person uses it, and how scripts/packages.sh gets what is missing."""
import itertools
import os
import pty
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts"))

import exo.run  # noqa: E402
from exo import child, fresh, machine, tree  # noqa: E402

RUN = os.path.join(ROOT, "scripts/run")
SCALE = float(os.environ.get("EXO_TEST_SCALE", "1"))


def run(*arguments, script=RUN, cwd="/", env=None):
    """(status, stdout, stderr) of scripts/run, without a terminal."""
    done = subprocess.run([script, *arguments], cwd=cwd, stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=180 * SCALE, check=False,
                          env={**os.environ, **(env or {})})
    return done.returncode, done.stdout, done.stderr


def write_script(name, text):
    """An executable shell script."""
    with open(name, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n" + text)
    os.chmod(name, stat.S_IRWXU)


class BuiltOnce(unittest.TestCase):
    """Base: self.out is a directory with the default kernel built in it."""

    @classmethod
    def setUpClass(cls):
        cls._directory = tempfile.TemporaryDirectory(prefix="exo-run-")
        cls.out = os.path.join(cls._directory.name, "out")

    @classmethod
    def tearDownClass(cls):
        cls._directory.cleanup()

    def command(self, text, *options):
        """scripts/run --command with the shared build, by the quickest way to boot."""
        return run("--out", self.out, "--pvh", *options, "--command", text)


class Command(BuiltOnce):
    """--command."""

    def test_prints_only_the_commands_output(self):
        status, out, err = self.command("help")
        self.assertEqual(status, 0, err)
        self.assertIn("poweroff", out)
        for noise in ("exo>", "ready", "CC ", "\r", "\x1b"):
            self.assertNotIn(noise, out)
        self.assertTrue(out.endswith("\n") and not out.startswith("\n"))

    def test_several_lines(self):
        status, out, _ = self.command("help help\nhelp panic")
        self.assertEqual(status, 0)
        self.assertRegex(out, r"(?s)help \[.*panic \[")

    def test_statuses(self):
        for text, expected, where, wanted in (
                ("no-such-command", 1, 1, "no-such-command"),
                ("help; exit", 0, 1, "poweroff"),
                ("no-such-command; exit", 1, 1, "no-such-command"),
                ("poweroff", 0, 1, ""),
                ("reboot", 0, 1, ""),
                ("panic", 2, 2, "PANIC END"),
                ("panic fault", 2, 2, "break_fault")):
            with self.subTest(text):
                answer = self.command(text)
                self.assertEqual(answer[0], expected, answer)
                self.assertIn(wanted, answer[where])

    def test_iso_with_words_and_machine(self):
        status, out, err = run("--out", self.out, "--smp", "2", "--mem", "128M", "--append",
                               "one two=2", "--command", "log; mem")
        self.assertEqual(status, 0, err)
        self.assertIn("one two=2", out)
        self.assertRegex(out, r"total +127 MiB  usable")

    def test_numa_machine(self):
        status, out, err = self.command("numa", "--numa", "4", "--smp", "8", "--mem", "512M")
        self.assertEqual(status, 0, err)
        nodes = re.findall(r"(?m)^node (\d): domain (\d), CPUs with APIC ID (.*)$", out)
        self.assertEqual(nodes, [(str(node), str(node), f"{2 * node}-{2 * node + 1}")
                                 for node in range(4)])
        self.assertIn("  0x000018000000-0x00001fffffff       131072 KiB\n", out)
        self.assertRegex(out, r"(?m)^ +0: +10 +20 +30 +20\n +1: +20 +10 +20 +30$")

    def test_no_answer(self):
        with tempfile.TemporaryDirectory() as directory:
            fake = os.path.join(directory, "qemu")
            write_script(fake, "echo 'exo-kernel 0.1.0 x86_64 config 0123456789ab'\nsleep 60\n")
            status, out, err = run("--out", self.out, "--pvh", "--timeout", "2", "--command",
                                   "help", env={"QEMU": fake})
        self.assertEqual((status, out), (3, ""))
        self.assertIn("timeout", err)
        self.assertIn("0123456789ab", err)

    def test_too_long(self):
        status, _, err = self.command("x" * 5000)
        self.assertEqual(status, 1)
        self.assertIn("CONFIG_MONITOR_LINE_SIZE", err)


class Building(BuiltOnce):
    """What scripts/run builds, and what it leaves alone."""

    def test_a_changed_config_is_kept(self):
        status, _, err = self.command("help")
        self.assertEqual(status, 0, err)
        name = os.path.join(self.out, ".config")
        with open(name, encoding="utf-8") as file:
            text = file.read()
        changed = text.replace("CONFIG_LOG_LEVEL=4", "CONFIG_LOG_LEVEL=5")
        self.assertNotEqual(changed, text)
        with open(name, "w", encoding="utf-8") as file:
            file.write(changed)
        status, out, err = self.command("config LOG_LEVEL")
        self.assertEqual(status, 0, err)
        self.assertIn("was changed by hand", err)
        self.assertIn("CONFIG_LOG_LEVEL=5", out)
        os.remove(name)
        status, out, err = self.command("config LOG_LEVEL")
        self.assertIn("CONFIG_LOG_LEVEL=4", out)
        self.assertNotIn("was changed by hand", err)

    def test_second_time_builds_nothing(self):
        self.command("help")
        _, _, err = self.command("help")
        self.assertEqual(re.findall(r"^  [A-Z]+ .*$", err, re.M), [])

    def test_wrong_arguments(self):
        for arguments, text in ((["--defconfig", "nonsense", "--out", self.out], "x86_64"),
                                (["--smp", "0"], "'0' is no number of CPUs"),
                                (["--mem", "lots"], "'lots' is no size"),
                                (["--numa", "two"], "'two' is no number of nodes"),
                                (["--build", "/nonexistent"], "no kernel is built in /nonexistent"),
                                (["--gdb", "--command", "x"], "--gdb needs the terminal"),
                                (["--uefi", "--pvh"], "not allowed with")):
            with self.subTest(arguments):
                status, _, err = run(*arguments)
                self.assertNotEqual(status, 0)
                self.assertIn(text, err)

    def test_kernels_without_what_is_asked(self):
        out = os.path.join(self._directory.name, "minimal")
        status, _, err = run("--defconfig", "embedded_minimal", "--out", out, "--command", "help")
        self.assertEqual(status, 1)
        self.assertIn("CONFIG_MONITOR=y", err)
        nothing = tree.Config({})
        for options, text in (([], "CONFIG_BOOT_MULTIBOOT2=y"), (["--pvh"], "CONFIG_BOOT_PVH=y")):
            with self.assertRaisesRegex(exo.run.RunError, text):
                exo.run.make_machine(exo.run.parse(options), out, nothing)

    def test_help(self):
        status, out, _ = run("--help")
        self.assertEqual(status, 0)
        for option in ("--defconfig", "--uefi", "--pvh", "--smp", "--mem", "--numa", "--gdb",
                       "--command"):
            self.assertIn(option, out)

    def test_outside_git_by_another_path(self):
        with tempfile.TemporaryDirectory() as directory:
            copy = os.path.join(directory, "copy")
            fresh.copy_tree(copy)
            self.assertFalse(os.path.exists(os.path.join(copy, ".git")))
            link = os.path.join(directory, "link")
            os.symlink(os.path.join(copy, "scripts/run"), link)
            status, out, err = run("--pvh", "--command", "help", script=link, cwd=directory)
            self.assertEqual(status, 0, err)
            self.assertIn("poweroff", out)
            self.assertTrue(os.path.exists(os.path.join(copy, "build/run-x86_64/.config")))


class Numa(unittest.TestCase):
    """QEMU's options for a NUMA machine."""

    def words(self, **options):
        """(what follows -m, what follows -smp, what follows each -object, each -numa)"""
        command = machine.Machine("none", firmware="pvh", **options).command()
        after = {name: [command[at + 1] for at, word in enumerate(command) if word == name]
                 for name in ("-m", "-smp", "-object", "-numa")}
        return after["-m"][0], after["-smp"][0], after["-object"], after["-numa"]

    def test_without(self):
        self.assertEqual(self.words(smp=2, memory="1G"), ("1G", "2", [], []))

    def test_even_split(self):
        memory, smp, objects, numa = self.words(smp=2, memory="100M", numa=3)
        self.assertEqual((memory, smp), ("102400K", "2,sockets=2"))
        self.assertEqual(objects, [f"memory-backend-ram,id=node{node},size={size << 20}"
                                   for node, size in enumerate((34, 33, 33))])
        self.assertEqual(numa[:3], ["node,nodeid=0,cpus=0-0,memdev=node0",
                                    "node,nodeid=1,cpus=1-1,memdev=node1",
                                    "node,nodeid=2,memdev=node2"])
        self.assertEqual(numa[3:], [f"dist,src={a},dst={b},val={10 if a == b else 20}"
                                    for a in range(3) for b in range(3)])

    def test_every_cpu_and_every_byte_is_somewhere(self):
        for count, smp, memory in itertools.product((1, 2, 5, 8), (1, 3, 8), ("9M", "70001K", "2")):
            with self.subTest((count, smp, memory)):
                if memory == "2" and count > 2:
                    with self.assertRaisesRegex(machine.MachineError, "cannot share 2:"):
                        machine.even_nodes(count, memory, smp)
                    continue
                nodes = machine.even_nodes(count, memory, smp)
                cpus = [cpu for node in nodes if node.cpus for first, last in
                        [map(int, node.cpus.split("-"))] for cpu in range(first, last + 1)]
                self.assertEqual(cpus, list(range(smp)))
                self.assertEqual(sum(node.size() for node in nodes),
                                 {"9M": 9 << 20, "70001K": 70008 << 10, "2": 2 << 20}[memory])

    def test_distances(self):
        nodes = machine.even_nodes(64, "64M", 1)
        for here, node in enumerate(nodes):
            for there, distance in enumerate(node.distances):
                self.assertEqual(distance == 10, here == there)
                self.assertEqual(distance, nodes[there].distances[here])
                self.assertLess(distance, 255)
        self.assertEqual(nodes[0].distances[:3] + nodes[0].distances[-2:], (10, 20, 30, 30, 20))

    def test_nodes_of_ones_own(self):
        nodes = [machine.NumaNode("1G", "", (10, 40)), machine.NumaNode("", "0,2-3", (40, 10))]
        memory, smp, objects, numa = self.words(smp=4, numa=nodes)
        self.assertEqual((memory, smp), ("1048576K", "4,sockets=4"))
        self.assertEqual(objects, ["memory-backend-ram,id=node0,size=1073741824"])
        self.assertEqual(numa[:3], ["node,nodeid=0,memdev=node0", "node,nodeid=1,cpus=0,cpus=2-3",
                                    "dist,src=0,dst=0,val=10"])


class Terminal(BuiltOnce):
    """The console on a terminal."""

    def start(self, *arguments, firmware=("--pvh",)):
        """Starts scripts/run on a pseudo terminal."""
        self.master, slave = pty.openpty()
        self.process = child.start([RUN, "--out", self.out, *firmware, *arguments], stdin=slave,
                                   stdout=slave, stderr=slave)
        os.close(slave)
        self.addCleanup(os.close, self.master)
        self.addCleanup(child.kill, self.process)
        self.seen = ""

    def expect(self, pattern, seconds=60):
        """Waits until the terminal shows a pattern."""
        deadline = time.monotonic() + seconds * SCALE
        while not re.search(pattern, self.seen):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                self.fail(f"{pattern!r} did not come: {self.seen[-2000:]}")
            self.seen += os.read(self.master, 65536).decode(errors="replace")

    def test_console_and_exit(self):
        self.start("--append", "monitor")
        self.expect(r"Ctrl-A X ends QEMU", 300)  # it is built first, if nobody has yet
        self.expect(r"exo> $")
        os.write(self.master, b"help help\r")
        self.expect(r"help \[COMMAND")
        os.write(self.master, b"\x03")  # Ctrl-C goes to the guest, and ends nothing here
        time.sleep(0.3)
        self.assertIsNone(self.process.poll())
        os.write(self.master, b"\rno-such-command; exit\r")
        self.assertEqual(self.process.wait(20 * SCALE), 1)

    def test_ctrl_a_x(self):
        self.start()
        self.expect(r"exosh> ")  # what ends meanwhile may be told behind it
        os.write(self.master, b"\x01x")
        self.assertEqual(self.process.wait(20 * SCALE), 0)

    def test_own_program(self):
        source = os.path.join(self._directory.name, "mine.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write("#include <libexo/print.h>\n"
                       "int main(int argc, char **argv)\n{\n"
                       "\texo_printf(\"%s here: %d\\n\", argv[0], argc);\n\treturn 3;\n}\n")
        self.start("--init", source, firmware=())
        self.expect(r"mine here: 1\r*\n(?s:.*)init: mine failed", 300)
        os.write(self.master, b"\x01x")
        self.assertEqual(self.process.wait(20 * SCALE), 0)

    def test_own_program_in_a_flat_kernel(self):
        """It is linked in; the next run has the kernel's own program again."""
        source = os.path.join(self._directory.name, "mine.c")
        out = os.path.join(self._directory.name, "flat")
        with open(source, "w", encoding="utf-8") as file:
            file.write("#include <libexo/print.h>\n"
                       "int main(int argc, char **argv)\n{\n"
                       "\texo_printf(\"%s here: %d\\n\", argv[0], argc);\n\treturn 3;\n}\n")
        flat = ("--out", out, "--defconfig", "embedded_flat")
        for words, text in ((("--init", source), "mine here: 1"), ((), "hello: a program")):
            self.start(*flat, *words)
            self.expect(text, 300)
            os.write(self.master, b"\x01x")
            self.assertEqual(self.process.wait(20 * SCALE), 0)
        status, _, err = run(*flat, "--init", out)
        self.assertEqual(status, 1)
        self.assertIn("is no C source", err)

    def test_own_program_that_there_is_not(self):
        status, _, err = run("--out", self.out, "--init", "/no/such.c")
        self.assertEqual(status, 1)
        self.assertIn("there is no /no/such.c", err)

    def test_own_program_needs_the_iso(self):
        status, _, err = run("--out", self.out, "--pvh", "--init", __file__)
        self.assertEqual(status, 1)
        self.assertIn("leave out --pvh", err)

    def test_gdb(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.start("--gdb", str(port))
        self.expect(rf"target remote 127.0.0.1:{port}")
        self.assertNotIn("ready", self.seen)
        asked = child.run(["gdb", "-batch", "-nx", "-ex", f"target remote 127.0.0.1:{port}",
                           "-ex", "hbreak kernel_main", "-ex", "continue", "-ex", "info symbol $pc",
                           "-ex", "kill", os.path.join(self.out, "exo-kernel.elf")], 60 * SCALE)
        self.assertIn("kernel_main", asked.output.split("Breakpoint 1")[-1], asked.output)
        self.process.wait(20 * SCALE)


class Packages(unittest.TestCase):
    """scripts/packages.sh with a table and an apt of its own."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.bin = os.path.join(directory.name, "bin")
        os.mkdir(self.bin)
        for tool in ("sh", "cut", "awk", "sed", "grep", "sort", "head", "cat", "env", "touch"):
            os.symlink(shutil.which(tool), os.path.join(self.bin, tool))
        self.log = os.path.join(directory.name, "log")
        self.write("id", "echo 0\n")
        self.write("dpkg", "echo amd64\n")
        self.write("apt-cache", "echo '  Candidate: 1.0'\n")
        self.write("apt-get", f"echo \"$*\" >>'{self.log}'\ntouch '{self.bin}/a-tool'\n"
                              f"/bin/chmod 755 '{self.bin}/a-tool'\n")

    def write(self, name, text):
        """A fake command."""
        write_script(os.path.join(self.bin, name), text)

    def need(self, table="a-tool | a-package | does a thing | build", words="build"):
        """(status, output, what apt-get was asked)"""
        script = (f". '{ROOT}/scripts/packages.sh'\npackage_table() {{\ncat <<'END'\n{table}\nEND\n"
                  f"}}\nneed_packages {words}\necho went on\n")
        done = subprocess.run(["/bin/sh", "-eu", "-c", script], env={"PATH": self.bin}, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                              check=False)
        asked = ""
        if os.path.exists(self.log):
            with open(self.log, encoding="utf-8") as file:
                asked = file.read()
        return done.returncode, done.stdout + done.stderr, asked

    def test_nothing_is_missing(self):
        self.write("a-tool", "")
        self.assertEqual(self.need(), (0, "went on\n", ""))

    def test_installs_what_is_missing_and_says_why(self):
        status, text, asked = self.need()
        self.assertEqual(status, 0, text)
        self.assertRegex(text, r"a-package +does a thing \(a-tool\)")
        self.assertIn("install --no-install-recommends a-package\n", asked)
        self.assertNotIn("update", asked)

    def test_rows_for_others_are_left_out(self):
        self.assertEqual(self.need(words="run test"), (0, "went on\n", ""))

    def test_alternatives_and_files(self):
        table = "no-tool sh | a | x | build\n/nonexistent /bin/s* | b | y | build"
        self.assertEqual(self.need(table), (0, "went on\n", ""))

    def test_fetches_the_lists_when_the_package_is_unknown(self):
        self.write("apt-cache", "")
        _, _, asked = self.need()
        self.assertRegex(asked, r"update\n.*install")

    def test_not_root_and_no_sudo(self):
        self.write("id", "echo 1000\n")
        status, text, asked = self.need()
        self.assertEqual((status, asked), (1, ""))
        self.assertIn("apt-get install --no-install-recommends a-package", text)
        self.assertNotIn("went on", text)

    def test_sudo(self):
        self.write("id", "echo 1000\n")
        self.write("sudo", f"[ \"$1\" != -n ] || shift\necho sudo >>'{self.log}'\nexec \"$@\"\n")
        self.write("true", "")
        status, text, asked = self.need()
        self.assertEqual(status, 0, text)
        self.assertIn("sudo", asked)
        self.assertIn("install --no-install-recommends a-package", asked)

    def test_no_apt(self):
        os.remove(os.path.join(self.bin, "apt-get"))
        status, text, _ = self.need()
        self.assertEqual(status, 1)
        self.assertIn("a-tool", text)
        self.assertIn("no apt", text)

    def test_apt_fails(self):
        self.write("apt-get", "exit 100\n")
        status, text, _ = self.need()
        self.assertEqual(status, 1)
        self.assertIn("could not install", text)
        self.assertNotIn("went on", text)

    def test_package_without_the_tool(self):
        self.write("apt-get", "exit 0\n")
        status, text, _ = self.need()
        self.assertEqual(status, 1)
        self.assertIn("Still missing", text)

    def test_the_real_table(self):
        script = f". '{ROOT}/scripts/packages.sh'\npackage_table"
        table = subprocess.run(["/bin/sh", "-c", script], text=True, capture_output=True,
                               check=True)
        for line in table.stdout.splitlines():
            with self.subTest(line):
                cells = [cell.strip() for cell in line.split("|")]
                self.assertEqual(len(cells), 4)
                self.assertTrue(all(cells))
                self.assertIn(cells[3], ("build", "run", "test", "native", "fresh"))


if __name__ == "__main__":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a pseudo terminal ends with its test
    unittest.main()
