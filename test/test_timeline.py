import pytest

from mesh_reloc_ros.timeline import Order, Stamps, clock_problem, is_far_ahead, is_live

S = 10**9


def test_order_of_stamps():
    stamps = Stamps()
    shown = [100 * S, 101 * S, 101 * S, 100 * S + S // 2, 200 * S, 198 * S, 198 * S + 1, 300 * S]
    assert [stamps.take(stamp) for stamp in shown] == [
        Order.NEXT, Order.NEXT, Order.STALE, Order.STALE, Order.NEXT, Order.STALE, Order.BACK,
        Order.NEXT,
    ]  # fmt: skip


def test_single_images_of_long_ago_are_left_out():
    stamps = Stamps()
    stamps.take(100 * S)
    for number in range(1, 20):
        assert stamps.take(60 * S + number) is Order.STALE
        assert stamps.take(100 * S + number) is Order.NEXT
    # As are two that are not in order.
    assert [stamps.take(60 * S), stamps.take(59 * S)] == [Order.STALE, Order.STALE]


def test_a_run_of_images_in_order_but_in_the_past_begins_anew():
    stamps = Stamps()
    stamps.take(100 * S)
    past = [100 * S - S // 2 + n * S // 30 for n in range(12)]
    orders = [stamps.take(stamp) for stamp in past]
    assert orders[:9] == [Order.STALE] * 9
    assert orders[9:] == [Order.BACK, Order.NEXT, Order.NEXT]
    # One image again and again is no such run.
    assert {stamps.take(past[-1]) for _ in range(30)} == {Order.STALE}


@pytest.mark.parametrize(
    ('stamp', 'now', 'is_simulated', 'live', 'far'),
    [
        (100 * S, 100 * S, False, True, False),
        (100 * S, 100 * S, True, False, False),
        (100 * S, 500 * S, False, False, False),
        (104 * S, 100 * S, False, True, False),
        (3700 * S, 100 * S, False, False, True),
        (3700 * S, 0, True, False, False),
    ],
)
def test_what_stamps_tell_of_where_images_come_from(stamp, now, is_simulated, live, far):
    assert is_live(stamp, now, is_simulated) == live
    assert is_far_ahead(stamp, now) == far


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
