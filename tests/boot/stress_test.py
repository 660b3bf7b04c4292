# SPDX-License-Identifier: MIT
"""Short runs of the stress command (scripts/stress makes long ones), one for each policy."""
from exo import stress
from exo.guest import GuestFailure
from exo.runner import Failed, Job

SECONDS, THREADS, CPUS = 4, 500, 8


def _run(policy, **options):
    def run(context):
        build = context.builds.get(stress.spec_of(policy))
        try:
            stress.run(build, SECONDS, THREADS, scale=context.scale, memory="512M", **options)
        except GuestFailure as failure:
            raise Failed(str(failure), failure.details) from failure
    return run


def jobs():
    """The jobs of this file."""
    rows = [Job(f"boot.stress-{policy}", _run(policy, smp=CPUS), 20)
            for policy in stress.policies()]
    return rows + [
        Job("boot.stress-1-cpu", _run("priority", smp=1), 20),
        Job("boot.stress-4-nodes", _run("priority", smp=CPUS, numa=4), 20),
    ]
