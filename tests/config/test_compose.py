"""A sweep composes once for each combination of choices and sets values in copies: each job is what composing it alone gives."""

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from descent.config import compose as composing
from descent.config.compose import StudyLoader, compose
from descent.config.yamls import conf

QUICK = (  # which plain Python can set
    ("optimizer.lr=0.3", "seed=7", "max_steps=1e3", "clip_norm=null", "records.layers=True", "study='a,b'"),
    ("problem.batch_size=16", "problem.record_examples=100", "problem.micro_size=64"),  # to which other settings refer
    ("optimizer.betas=[0.8,0.9]", "epochs=7"),
)
OTHERS = (  # which only OmegaConf can
    ("epochs=${seed}", "seed=3"),
    ("problem.epochs=${seed}", "seed=3"),
    ("records={first_epoch: 3, growth: 2.0}",),
    ("+trainer.benchmark=true",),
    ("~logger.tensorboard",),
    ("optimizer.betas=[0.8,${seed}]", "seed=0"),
)


def test_a_job_of_a_sweep_is_what_composing_it_alone_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = {job: compose("optimizer=adam", *job).settings() for job in QUICK + OTHERS}
    plain, by_hand = composing.set_values, []
    monkeypatch.setattr(composing, "set_values", lambda *given: by_hand.append(plain(*given) is not None) or plain(*given))
    with initialize_config_dir(str(conf()), version_base="1.3"):
        loader = StudyLoader(GlobalHydra.instance().config_loader())
        master = loader.load_configuration("config", [], RunMode.MULTIRUN)
        for job, settings in expected.items():
            assert loader.settings(master, ["optimizer=adam", *job]).settings() == settings, job
    assert by_hand == [True] * len(QUICK) + [False] * len(OTHERS)
