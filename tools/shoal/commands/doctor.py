"""doctor: says what is wrong with this machine, or that nothing is."""
import argparse
import re
import shutil
import subprocess

from .. import accelerator, host_facts, packages, project
from ..errors import ExitCode, ShoalError

HELP = "say what is missing or wrong on this machine, and what to do"
DESCRIPTION = "Checks packages, versions, the accelerator and the images. Changes nothing; status 1 if something must be done."

_VERSIONS = (("cmake", (3, 25)), ("g++", (12, 0)), ("qemu-system-x86_64", (7, 0)), ("ninja", (1, 8)))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--verbose", action="store_true", help="list every package with its purpose")


def run(options: argparse.Namespace) -> int:
    findings = [*_check_packages(options.verbose), *(_check_version(*wanted) for wanted in _VERSIONS),
                *_check_accelerator(), *_check_images()]
    for good, text, advice in findings:
        print(f"{'ok  ' if good else 'MEND'}  {text}" + (f"\n        what to do: {advice}" if not good else ""))
    broken = sum(1 for good, _, _ in findings if not good)
    print("nothing is wrong" if not broken else f"{broken} thing{'s' if broken > 1 else ''} to mend")
    return ExitCode.FAILED if broken else ExitCode.OK


def _check_packages(verbose: bool):
    missing = packages.missing_packages()
    for package in packages.PACKAGES:
        if package in missing:
            yield False, f"package {package.name} is missing: {package.purpose}", f"./shoal setup, or apt-get install {package.name}"
        elif verbose:
            yield True, f"package {package.name}: {package.purpose}", ""
    if not missing:
        yield True, f"all {len(packages.PACKAGES)} packages are there", ""


def _check_version(tool: str, wanted: tuple[int, int]):
    path = shutil.which(tool)
    if not path:
        return False, f"{tool} is missing", "./shoal setup"
    words = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+)\.(\d+)", words)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    text = f"{tool} {'.'.join(map(str, version))}"
    return version >= wanted, text, f"{'.'.join(map(str, wanted))} or newer is needed (Debian 12 has it)"


def _check_accelerator():
    try:
        chosen = accelerator.choose("auto")
    except ShoalError as error:
        yield False, error.what, error.do
        return
    yield True, f"accelerator {chosen.name}: {chosen.reason}", ""
    cores = host_facts.host_cores()
    yield True, f"{cores} host cores ({host_facts.processor()}); runs with more virtual CPUs are no measure of scaling", ""


def _check_images():
    for debug in (False, True):
        image = project.image(debug)
        name = image.relative_to(project.ROOT)
        yield True, f"image {name}: {'built' if image.exists() else 'not built yet; ./shoal run builds it'}", ""
