"""Where ./shoal starts: python3 tools/shoal."""
import sys
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit("shoal: error: Python 3.11 or newer is needed, this is "
             f"{sys.version_info.major}.{sys.version_info.minor}\n  what to do: use Debian 12, whose python3 is 3.11")

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from shoal.main import main  # noqa: E402  (the path has to be set first)

sys.exit(main(sys.argv[1:]))
