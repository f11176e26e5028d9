"""The engine, which measures what it painted by few small views: most of a short run's time.

`python -m tests.engine.few_views [OPTIONS] FOLDER` is `python -m engine` in all else.
"""

import sys

from engine import __main__, held_out, report

VIEWS, SIDE = 3, 64  # pixels on a side


def measure_by_few() -> None:
    """From now on, as in tests with the fixture `few_small_views`."""
    held_out.VIEWS = VIEWS
    held_out.SIDE = report.SIDE = SIDE


if __name__ == "__main__":
    measure_by_few()
    sys.exit(__main__.main(sys.argv[1:]))
