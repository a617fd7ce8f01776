from crm.insight.drawing import HEIGHT, WIDTH, Frame


def test_the_corners_of_the_values_are_the_corners_of_the_picture():
    frame = Frame(left=0, right=10, top=5)
    assert frame.line([(0, 0), (10, 5)]) == f"M0.0 {HEIGHT}L{WIDTH} 0.0"


def test_a_line_in_steps_goes_across_before_it_goes_up():
    frame = Frame(left=0, right=64, top=20)
    assert frame.line([(0, 0), (32, 10)], in_steps=True) == "M0.0 200.0H320.0L320.0 100.0"


def test_an_area_closes_round_both_lines():
    frame = Frame(left=0, right=1, top=1)
    path = frame.area([(0, 1), (1, 1)], [(0, 0), (1, 0)])
    assert path == "M0.0 0.0L640.0 0.0L640.0 200.0L0.0 200.0Z"


def test_nothing_to_span_is_no_division_by_nought():
    assert Frame(left=3, right=3, top=0).line([(3, 0)]) == "M0.0 200.0"


def test_no_points_make_no_path():
    assert Frame(left=0, right=1, top=1).line([]) == ""
