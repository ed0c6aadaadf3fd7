"""`python -m infra` is `meritcoin`."""

import sys

from infra.cli import main

sys.exit(main())
