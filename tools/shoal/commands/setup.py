"""setup: from a fresh machine to a built image."""
import argparse

from .. import build, packages
from ..progress import say

HELP = "install what is missing and build everything"
DESCRIPTION = """Installs the Debian packages that are missing (apt-get; through sudo where this is not root) and builds the image and
the host tests. Runs without questions."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="say what would be installed and built")
    parser.add_argument("--no-build", action="store_true", help="install packages only")


def run(options: argparse.Namespace) -> int:
    missing = packages.missing_packages()
    if options.dry_run:
        print(" ".join(packages.install_command(missing)) if missing else "no package is missing")
        print("then: cmake --preset guest, dev; build the image and the host tests")
        return 0
    if missing:
        packages.install(missing)
    else:
        say("no package is missing")
    if not options.no_build:
        build.build_image()
        build.build("dev")
        say("ready: ./shoal run")
    return 0
