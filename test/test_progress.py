"""Progress that is shown: a bar for each stage, or a line now and then."""

import io

from mesh_reloc_ros.progress import ProgressBars, ProgressLines


def test_each_stage_has_a_bar_that_is_full_at_its_end():
    shown = io.StringIO()
    progress = ProgressBars(shown)
    for stage in ('reading', 'building'):
        for done in (0.0, 0.3, 0.7, 1.0):
            progress(stage, done)
    bars = [line.split('\r')[-1] for line in shown.getvalue().strip().split('\n')]
    assert [bar.split('|')[0] for bar in bars] == ['reading: 100%', 'building: 100%']


def test_what_takes_long_is_said_and_what_is_quickly_done_is_not():
    said: list[str] = []
    quick, slow = ProgressLines(said.append, period_s=1e6), ProgressLines(said.append, period_s=0.0)
    quick('reading', 0.5)
    assert not said
    slow('reading', 0.5)
    slow('building', 0.25)
    assert said == ['reading: 50%', 'building: 25%']
