"""What all tests share: each worker of pytest has one core, and torch's threads would wait for each other."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
