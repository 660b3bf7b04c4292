# SPDX-License-Identifier: MIT
"""The QEMU machine on which a kernel runs, as a command line.

A machine is described by a Machine object: the firmware (bios, uefi, pvh, microvm), the number of
CPUs, memory, NUMA nodes, CPU model. Everything that QEMU would add by itself is left out
(-nodefaults), so that two hosts give a guest the same devices. The accelerator is TCG: a host can
have /dev/kvm and yet not run a plain guest, so KVM is used only when the environment says
ACCEL=kvm. QEMU= names another program in place of qemu-system-x86_64.
"""
import os
import re
from dataclasses import dataclass, field

DEBUG_EXIT_PORT = 0xF4
SERIAL_PORT, SERIAL_IRQ = 0x3F8, 4
_MEMORY_UNIT = 8192  # QEMU rounds memory up to a multiple of this
EXIT_SUCCESS, EXIT_FAILURE, EXIT_PANIC = 33, 35, 37  # QEMU's status for 0x10, 0x11 and 0x12

_OVMF = (
    ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
    ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
)


class MachineError(Exception):
    """This machine cannot be made; the text says what is missing."""


@dataclass
class NumaNode:
    """What belongs to one NUMA node, and how far it is from there to each node."""
    memory: str  # as for Machine; "" for none
    cpus: str  # "0-3" or "0,2-3"; "" for none
    distances: tuple  # 10 to itself, up to 254 to others, 255 for out of reach

    def size(self):
        """Its memory in bytes."""
        return _bytes(self.memory) if self.memory else 0


def even_nodes(count, memory, smp):
    """@count NumaNodes that share memory and CPUs evenly; what is left over is the first one's.

    Each node is linked to two neighbours, so that the farthest is halfway round the ring.
    """
    total = -(-_bytes(memory) // _MEMORY_UNIT) * _MEMORY_UNIT
    share = total // count >> 20 << 20
    if not share:
        raise MachineError(f"{count} nodes cannot share {memory}: each needs 1M")
    nodes = []
    for node in range(count):
        mine = [cpu for cpu in range(smp) if cpu * count // smp == node]
        hops = [min((node - other) % count, (other - node) % count) for other in range(count)]
        nodes.append(NumaNode(f"{(share if node else total - share * (count - 1)) >> 10}K",
                              f"{mine[0]}-{mine[-1]}" if mine else "",
                              tuple(min(10 + 10 * hop, 254) for hop in hops)))
    return nodes


def _bytes(size):
    """A size as QEMU's -m understands it: 64M; without a letter it is MiB."""
    number, unit = re.fullmatch(r"(\d+)([KMGkmg]?)", size).groups()
    return int(number) << {"K": 10, "": 20, "M": 20, "G": 30}[unit.upper()]


@dataclass
class Machine:
    """One machine. @image is the ISO for bios and uefi, the ELF for pvh and microvm."""
    image: str
    firmware: str = "bios"
    smp: int = 1
    memory: str = "256M"
    numa: object = None  # a list of NumaNodes, which then have all memory; a number: even_nodes()
    cpu: str = "max"
    command_line: str = ""  # pvh and microvm only: an ISO has its own
    modules: list = field(default_factory=list)  # pvh only
    debug_exit: bool = True
    debug_exit_port: int = DEBUG_EXIT_PORT
    serial_port: int = SERIAL_PORT
    serial_irq: int = SERIAL_IRQ
    display: bool = False  # True: leave QEMU's default display on
    accel_options: str = ""  # begins with a comma
    extra: list = field(default_factory=list)

    @classmethod
    def from_config(cls, config, image, **options):
        """The machine with the devices that a kernel's .config (tree.Config) expects; @options
        are fields of Machine."""
        devices = {"debug_exit": config["DEBUG_EXIT"],
                   "debug_exit_port": config["DEBUG_EXIT_PORT"] or DEBUG_EXIT_PORT,
                   "serial_port": config["SERIAL_PORT"] or SERIAL_PORT,
                   "serial_irq": config["SERIAL_IRQ"] or SERIAL_IRQ}
        return cls(image, **{**devices, **options})

    def command(self):
        """QEMU's command line, without the serial port (see serial()) and the control channel."""
        microvm = self.firmware == "microvm"
        kind = "microvm,isa-serial=off,pic=on,pit=on,rtc=on" if microvm else "q35"
        command = [os.environ.get("QEMU", "qemu-system-x86_64"), "-nodefaults", "-no-user-config",
                   "-machine", kind, "-accel", os.environ.get("ACCEL", "tcg") + self.accel_options,
                   "-cpu", self.cpu, *self._memory()]
        if not microvm:
            command += ["-vga", "std"]
        if not self.display:
            command += ["-display", "none"]
        if self.debug_exit:
            command += ["-device",
                        f"isa-debug-exit,iobase={self.debug_exit_port:#x},iosize=4"]
        return command + self._medium() + self.extra

    def serial(self, backend="stdio"):
        """The serial port, with the given -chardev behind it."""
        place = f"iobase={self.serial_port:#x},irq={self.serial_irq}"
        return ["-chardev", f"{backend},id=serial",
                "-device", f"isa-serial,chardev=serial,index=0,{place}"]

    def _memory(self):
        """-m, -smp and, for a NUMA machine, the nodes."""
        if not self.numa:
            return ["-m", self.memory, "-smp", str(self.smp)]
        nodes = self.numa
        if isinstance(nodes, int):
            nodes = even_nodes(nodes, self.memory, self.smp)
        # One CPU a socket: then the nodes may share them out in any way.
        words = ["-m", f"{sum(node.size() for node in nodes) >> 10}K",
                 "-smp", f"{self.smp},sockets={self.smp}"]
        for number, node in enumerate(nodes):
            option = f"node,nodeid={number}"
            if node.cpus:
                option += "".join(f",cpus={cpus}" for cpus in node.cpus.split(","))
            if node.memory:
                words += ["-object", f"memory-backend-ram,id=node{number},size={node.size()}"]
                option += f",memdev=node{number}"
            words += ["-numa", option]
        for source, node in enumerate(nodes):
            for target, distance in enumerate(node.distances):
                words += ["-numa", f"dist,src={source},dst={target},val={distance}"]
        return words

    def _medium(self):
        image = self.image.replace(",", ",,")  # QEMU's way to quote a comma
        drive = ["-drive", f"file={image},format=raw,media=cdrom,readonly=on"]
        if self.firmware == "bios":
            return drive + ["-boot", "d"]
        if self.firmware == "uefi":
            return self._ovmf() + drive
        if self.firmware in ("pvh", "microvm"):
            medium = ["-kernel", self.image, "-append", self.command_line]
            if self.modules:
                medium += ["-initrd", ",".join(name.replace(",", ",,") for name in self.modules)]
            return medium
        raise MachineError(f"no firmware is called {self.firmware!r}: "
                           "there are bios, uefi, pvh and microvm")

    @staticmethod
    def _ovmf():
        for code, variables in _OVMF:
            if os.path.exists(code) and os.path.exists(variables):
                return ["-drive", f"if=pflash,format=raw,readonly=on,file={code}",
                        "-drive", f"if=pflash,format=raw,snapshot=on,file={variables}"]
        raise MachineError("no UEFI firmware in /usr/share/OVMF: install the Debian package ovmf")


def firmware_for(config):
    """The quickest way to boot a kernel of this .config on which it can be heard.

    PVH has no boot loader that sets a graphic mode, so a kernel whose only voice is the boot
    framebuffer needs GRUB.
    """
    only_framebuffer = config["FRAMEBUFFER"] and not (config["SERIAL_16550"] or
                                                      config["VGA_TEXT"])
    if config["BOOT_PVH"] and not (only_framebuffer and config["BOOT_MULTIBOOT2"]):
        return "pvh"
    return "bios"
