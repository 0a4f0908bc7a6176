import pytest

from mesh_reloc_ros.ros.stamps import Order, Stamps, clock_problem

S = 10**9


def test_order_of_stamps():
    stamps = Stamps()
    shown = [100 * S, 101 * S, 101 * S, 100 * S + S // 2, 200 * S, 198 * S, 198 * S + 1, 300 * S]
    assert [stamps.take(stamp) for stamp in shown] == [
        Order.NEXT, Order.NEXT, Order.STALE, Order.STALE, Order.NEXT, Order.BACK, Order.NEXT,
        Order.NEXT,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ('stamp', 'now', 'is_simulated', 'problem'),
    [
        (100 * S, 100 * S + S // 10, False, ''),
        (100 * S, 101 * S, True, ''),
        # A looping bag whose last images arrive after its clock went back, for instance.
        (100 * S, 500 * S, True, ''),
        (100 * S, 0, True, 'no time comes on /clock'),
        (103 * S, 100 * S, False, 'synchronize the clocks'),
        (103 * S, 100 * S, True, 'ahead of /clock'),
        (100 * S, 500 * S, False, 'set use_sim_time'),
    ],
)
def test_what_is_wrong_between_stamps_and_clock(stamp, now, is_simulated, problem):
    said = clock_problem(stamp, now, is_simulated)
    assert problem in said
    assert bool(said) == bool(problem)
