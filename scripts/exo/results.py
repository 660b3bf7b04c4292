# SPDX-License-Identifier: MIT
"""What tests yield, and the two forms in which it is written: JUnit XML and the closing line."""
import os
import re
import xml.etree.ElementTree as xml
from dataclasses import dataclass

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass
class Result:
    """The outcome of one test. @message: one line of why; @details: all that helps to find out."""
    name: str
    status: str
    seconds: float = 0.0
    message: str = ""
    details: str = ""


def count(results):
    """(passed, failed, skipped)"""
    statuses = [result.status for result in results]
    return statuses.count(PASSED), statuses.count(FAILED), statuses.count(SKIPPED)


def summary(results):
    """The closing line."""
    return "{} passed, {} failed, {} skipped".format(*count(results))


def exit_status(results):
    """0 only if something was tested and nothing failed."""
    passed, failed, _ = count(results)
    return 0 if passed and not failed else 1


def _clean(text):
    return _NOT_XML.sub("?", text)


def _testcase(suite, result):
    case = xml.SubElement(suite, "testcase", name=_clean(result.name),
                          classname=suite.get("name"), time=f"{result.seconds:.3f}")
    if result.status == FAILED:
        failure = xml.SubElement(case, "failure", message=_clean(result.message))
        failure.text = _clean(result.details)
    elif result.status == SKIPPED:
        xml.SubElement(case, "skipped", message=_clean(result.message))


def write_junit(file_name, results, seconds):
    """Writes JUnit XML: a test suite for each layer, which is the first part of a test's name."""
    root = xml.Element("testsuites", time=f"{seconds:.3f}")
    layers = {}
    for result in results:
        layers.setdefault(result.name.split(".")[0], []).append(result)
    for layer, rows in sorted(layers.items()):
        passed, failed, skipped = count(rows)
        suite = xml.SubElement(root, "testsuite", name=layer,
                               tests=str(passed + failed + skipped), failures=str(failed),
                               skipped=str(skipped),
                               time=f"{sum(row.seconds for row in rows):.3f}")
        for result in rows:
            _testcase(suite, result)
    os.makedirs(os.path.dirname(file_name) or ".", exist_ok=True)
    xml.indent(root)
    xml.ElementTree(root).write(file_name + ".part", "utf-8", xml_declaration=True)
    os.replace(file_name + ".part", file_name)
