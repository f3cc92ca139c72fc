"""iso: the bootable image."""
import argparse
import shutil
from pathlib import Path

from .. import build, image_variant, project
from ..progress import say

HELP = "build the bootable image, for USB sticks and servers"
DESCRIPTION = """Builds the GRUB 2 image (BIOS and UEFI). With --append or -o it makes a variant with further kernel options in its
boot menu. Write it to a stick with: dd if=FILE of=/dev/sdX bs=4M conv=fsync"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--append", default="", metavar="OPTIONS", help="further kernel options for the boot menu")
    parser.add_argument("-o", "--output", metavar="FILE", help="where to put the image")
    parser.add_argument("--debug", action="store_true", help="the debug image")
    parser.add_argument("--no-build", action="store_true", help="start from the image that is there")


def run(options: argparse.Namespace) -> int:
    source = build.require_image(options.debug) if options.no_build else build.build_image(options.debug)
    if options.append:
        target = Path(options.output) if options.output else project.BUILD / "shoal-variant.iso"
        image_variant.make(source, target, options.append)
    else:
        target = Path(options.output) if options.output else project.BUILD / "shoal.iso"
        shutil.copyfile(source, target)
    say(f"image: {target} ({target.stat().st_size / (1 << 20):.1f} MiB), from {source.relative_to(project.ROOT)}")
    return 0
