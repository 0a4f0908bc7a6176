import threading

from mesh_reloc_ros.stopwatch import Stopwatch, stage


def test_a_stage_that_runs_again_adds_up():
    with Stopwatch() as stopwatch:
        seconds = []
        for _ in range(2):
            with stage('render'):
                sum(range(10_000))
            seconds.append(stopwatch.milliseconds()['render'])
    stages = stopwatch.milliseconds()
    assert 0 < seconds[0] < seconds[1] == stages['render'] <= stages['total']
    assert stages.keys() == {'render', 'total'}


def test_time_within_a_stage_counts_for_that_stage_only():
    with Stopwatch() as stopwatch:
        with stage('outer'), stage('inner'):
            pass
        with stage('next'):
            pass
    assert stopwatch.milliseconds().keys() == {'outer', 'next', 'total'}


def test_stages_belong_to_the_innermost_running_stopwatch():
    with Stopwatch() as outer:
        with Stopwatch() as inner, stage('inner'):
            pass
        with stage('outer'):
            pass
    with stage('later'):
        pass
    assert inner.milliseconds().keys() == {'inner', 'total'}
    assert outer.milliseconds().keys() == {'outer', 'total'}


def test_a_stage_that_fails_is_timed_and_ends():
    with Stopwatch() as stopwatch:
        try:
            with stage('broken'):
                raise ValueError
        except ValueError:
            pass
        with stage('next'):
            pass
    assert stopwatch.milliseconds().keys() == {'broken', 'next', 'total'}


def test_other_threads_are_not_timed():
    def work() -> None:
        with stage('elsewhere'):
            pass

    with Stopwatch() as stopwatch:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert stopwatch.milliseconds().keys() == {'total'}
