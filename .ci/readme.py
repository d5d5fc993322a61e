"""Runs every ``bash`` block of a Markdown file as one script, as a reader would type it: .ci/readme.py README.md."""

import re
import subprocess
import sys
from pathlib import Path

blocks = re.findall(r"^```bash\n(.*?)^```", Path(sys.argv[1]).read_text(), re.M | re.S)
sys.exit(subprocess.run(["bash", "-exuo", "pipefail", "-c", "".join(blocks)], check=False).returncode)
