"""Boot menus, the probe's sector, and reading a screen."""
import tempfile
import unittest
from pathlib import Path

from shoal import image_variant, probe_sector, screen_reader, screenshot


def font_source() -> str:
    """A font of 95 different drawings, written as the kernel's source writes it."""
    return "\n".join("{{" + ", ".join(f"0x{byte:02x}" for byte in (0, number, 0, 0, 0, 0, 0, 0 if number == 0 else 0x11)) + "}},"
                     for number in range(95))


class BootMenu(unittest.TestCase):
    def test_options_go_to_every_kernel_line(self) -> None:
        menu = 'menuentry "a" {\n    multiboot2 /boot/k x=1\n    module2 /boot/m m\n}\n'
        self.assertIn("multiboot2 /boot/k x=1 ipc=trap\n    module2 /boot/m m\n", image_variant.with_options(menu, "ipc=trap"))

    def test_commands_go_to_the_end_of_the_entry(self) -> None:
        menu = 'menuentry "a" {\n    multiboot2 /boot/k\n}\n'
        self.assertEqual(image_variant.with_commands(menu, ["echo x"]), 'menuentry "a" {\n    multiboot2 /boot/k\n    echo x\n}\n')

    def test_menu_without_a_kernel(self) -> None:
        with self.assertRaises(ValueError):
            image_variant.with_options("set timeout=0\n", "x")


class ProbeSector(unittest.TestCase):
    def test_is_bootable_and_counts(self) -> None:
        sector = probe_sector.boot_sector(0x12345678)
        self.assertEqual((len(sector), sector[-2:]), (512, b"\x55\xaa"))
        self.assertIn(b"\xb9\x78\x56\x34\x12", sector)


class Screen(unittest.TestCase):
    def screen(self, font: screen_reader.Font, text: str) -> screenshot.Screenshot:
        """A screen of one line of cells with the text in it, two pixels from the left edge of each cell."""
        drawings = {character: lines for lines, character in font.items()}
        width, rows = 8 * len(text), []
        for line in range(16):
            dots = "".join(f"{drawings[c][line // 2] << 1:08b}" for c in text)
            rows.append(b"".join(b"\xff\xff\xff" if dot == "1" else b"\0\0\0" for dot in dots))
        return screenshot.Screenshot(width, 16, b"".join(rows))

    def test_reads_what_was_drawn(self) -> None:
        font = screen_reader.parse_font(font_source())
        characters = "".join(font[key] for key in list(font)[1:9])
        self.assertEqual(screen_reader.read_text(self.screen(font, characters), font), [characters])

    def test_kernel_font_tells_all_characters_apart(self) -> None:
        self.assertEqual(len(screen_reader.kernel_font()), 95)

    def test_incomplete_font_is_refused(self) -> None:
        with self.assertRaises(ValueError):
            screen_reader.parse_font("{{0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00}}")

    def test_pixmap(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "s.ppm"
            file.write_bytes(b"P6\n2 1\n255\n" + b"\0\0\0\x20\xff\x20")
            picture = screenshot.read_pixmap(file)
            self.assertEqual((picture.width, picture.height, picture.lit_share()), (2, 1, 0.5))
            file.write_bytes(b"P6\n2 1\n255\n\0")
            with self.assertRaises(ValueError):
                screenshot.read_pixmap(file)
