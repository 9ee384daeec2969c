"""The noise of mini-batches, the floor it leaves, and what comes below it."""

import pytest


@pytest.mark.slow
def test_noise_is_what_theory_says_and_the_best_rate_grows_with_the_batch(experiment):
    finding, _ = experiment("gradient_noise")
    assert finding["power"] == pytest.approx(-1, abs=0.03)
    assert min(finding["independent"]) > 0.9
    assert max(finding["independent"]) < 1.1
    assert min(finding["reshuffled"]) < 0.3
    best = {row["size"]: row["lr"] for row in finding["best"]}
    assert list(best) == [1, 4, 16, 64, 256, 1024]
    assert best[1] < best[64]
    assert finding["constant"] / finding["average"] > 100
    assert finding["constant"] / finding["falling"] > 50
    assert finding["average"] < 2 * finding["theory"]
