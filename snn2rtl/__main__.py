"""``python -m snn2rtl``."""

import sys

from snn2rtl.cli import main

sys.exit(main())
