"""What files and folders look like: length, README headings, sources named in CMake, links that lead somewhere."""
import posixpath
import re
from statistics import median

from source_tree import SOURCES, Finding

MAX_LINES, MAX_MEDIAN = 700, 100
HEADINGS = ("Purpose", "Key types", "Lock ranks and order", "Runs in", "Fails how", "Tests", "Reading order")
_COMPONENTS = re.compile(r"^(abi|base|boot|kernel/[^/]+|libc-min|servers/[^/]+|bench/[^/]+|tests/[^/]+|tools/[^/]+)/")
# Written by hand in these places or made by the build.
_BUILT = (".cpp", ".S")
_LOOP = re.compile(r"foreach\((\w+) (?:IN ITEMS )?([\w\s./-]+)\)(.*?)endforeach\(\)", re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def check_length(tree: dict[str, str]) -> list[Finding]:
    lengths = {path: text.count("\n") for path, text in tree.items() if path.endswith(SOURCES)}
    found = [Finding(path, lines, f"{lines} lines, at most {MAX_LINES}") for path, lines in lengths.items() if lines > MAX_LINES]
    if lengths and median(lengths.values()) > MAX_MEDIAN:
        found.append(Finding(".", 0, f"the median file has {median(lengths.values()):.0f} lines, at most {MAX_MEDIAN}"))
    return found


def components(tree: dict[str, str]) -> set[str]:
    """Component folders that hold sources."""
    return {match[1] for path in tree if path.endswith(SOURCES) and (match := _COMPONENTS.match(path))}


def check_readmes(tree: dict[str, str]) -> list[Finding]:
    found = []
    for folder in sorted(components(tree)):
        readme = f"{folder}/README.md"
        if readme not in tree:
            found.append(Finding(readme, 1, "the component has no README.md"))
            continue
        titles = re.findall(r"^##+ (.+?)\s*$", tree[readme], re.MULTILINE)
        wanted = [title for title in titles if title in HEADINGS]
        if wanted != list(HEADINGS):
            found.append(Finding(readme, 1, f"headings are {wanted}, expected {list(HEADINGS)} in this order"))
    return found


def check_listed(tree: dict[str, str]) -> list[Finding]:
    """Every C++ and assembly source is named, by its path, in a CMake file of its folder or one above."""
    lists: dict[str, str] = {}
    for path, text in tree.items():
        if path.endswith(("CMakeLists.txt", ".cmake")):
            folder = posixpath.dirname(path)
            lists[folder] = lists.get(folder, "") + unrolled(text)
    return [Finding(path, 1, "no CMake file names this source")
            for path in tree if path.endswith(_BUILT) and not _is_listed(path, lists)]


def unrolled(text: str) -> str:
    """A CMake file with its foreach() loops over literal items written out."""
    def repeat(match: re.Match) -> str:
        return "".join(match[3].replace(f"${{{match[1]}}}", item) for item in match[2].split())
    return _LOOP.sub(repeat, text)


def _is_listed(path: str, lists: dict[str, str]) -> bool:
    folder = posixpath.dirname(path)
    while True:
        if folder in lists:
            relative = posixpath.relpath(path, folder or ".")
            if re.search(r"(?:(?<![\w./-])|(?<=\}/))" + re.escape(relative) + r"(?![\w-])", lists[folder]) or f"/{path}" in lists[folder]:
                return True
        if not folder:
            return False
        folder = posixpath.dirname(folder)


def check_links(tree: dict[str, str], exists) -> list[Finding]:
    """Links between documents lead to files that are there. `exists` answers for a path from the top."""
    found = []
    for path, text in tree.items():
        if not path.endswith(".md"):
            continue
        for match in _LINK.finditer(text):
            target = match[1]
            if "://" not in target and not exists(posixpath.normpath(posixpath.join(posixpath.dirname(path), target))):
                found.append(Finding(path, text.count("\n", 0, match.start()) + 1, f"the link to {target} leads nowhere"))
    return found
