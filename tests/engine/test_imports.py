"""What a run imports: each second before the first step is one that an artist waits."""

import sys

from tests.engine.jobs import save_job
from tests.engine.processes import started

UNUSED = {"sympy", "torchvision", "torch._inductor", "matplotlib", "bpy"}
TELLING = """
import sys
from engine.__main__ import main
from tests.engine.few_views import measure_by_few
measure_by_few()
code = main(["--previews", sys.argv[1]])
print(*sys.modules, file=sys.stderr)
sys.exit(code)
"""


def test_a_run_imports_nothing_that_it_does_not_use(tmp_path) -> None:
    folder = save_job(tmp_path / "job", relief="NORMAL")
    with started(sys.executable, "-c", TELLING, folder) as process:
        _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    imported = set(told.split())
    assert "torch" in imported
    assert not UNUSED & imported
