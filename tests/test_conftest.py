"""The tests' own set-up."""

import os

import pytest
import torch


@pytest.mark.xdist_group("seen")
@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="there are no workers")
def test_a_group_is_seen_by_those_that_give_tests_to_workers(request):
    assert request.node.nodeid.endswith("@seen")


@pytest.mark.xdist_group("threads")
@pytest.mark.parametrize("threads", [2, 1])
def test_each_test_starts_with_one_thread(threads):
    assert torch.get_num_threads() == 1
    torch.set_num_threads(threads)
