"""The image as a USB stick."""
from shoal.testing.boot_case import BootCase, ImageFacts


def cases(facts: ImageFacts) -> list[BootCase]:
    if not facts.has("hello"):
        return []
    return [BootCase(f"medium/usb-{'uefi' if uefi else 'bios'}", ["rs.program=hello"], uefi=uefi, medium="usb", program="hello",
                     timeout=120) for uefi in (False, True)]
