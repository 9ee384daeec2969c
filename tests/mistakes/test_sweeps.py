"""What the plan of a sweep knows before its first run is trained."""

from mistakes.conftest import table, wrong


@table(
    wrong("-m study=a,b", "study=a,b", "one study"),
    wrong("-m seed=1,2 study=a,b", "study=a,b", "one study"),
    wrong("-m output_dir=x,y", "output_dir=x,y", "one study"),
    wrong("-m seed=1,2 output_dir=x,y", "output_dir=x,y", "one study"),
    wrong("-m 'study=choice(a,b)'", "study=", "one study"),
    wrong("-m experiment=momentum study=a,b", "study=a,b", "one study"),
)
def test_a_sweep_is_one_study(refused, case):
    refused(case)


@table(
    wrong("-m batch.size=8,100000", "batch.size=100000", "64"),
    wrong("-m batch.size=8,65 engine=numpy", "batch.size=65", "64"),
    wrong("-m problem=quadratic,digits_mlp batch.size=100", "batch.size=100", "64"),
    wrong("-m optimizer=sgd,adafactor engine=numpy", "optimizer=adafactor", "engine=torch"),
    wrong("-m optimizer=lbfgs,sgd engine=numpy batch=full", "optimizer=lbfgs", "engine=torch"),
    wrong("-m problem=mnist_cnn,quadratic engine=numpy", "problem"),
    wrong("-m engine=torch,numpy optimizer=adafactor", "optimizer=adafactor", "engine=torch"),
    wrong("-m precision=32,16", "precision=16", "bf16"),
    wrong("-m precision=32,bf16 engine=numpy", "precision=bf16", "numpy"),
    wrong("-m trainer=cpu,gpu engine=numpy", "trainer=gpu", "numpy"),
    wrong("-m engine=numpy,jax", "engine=jax", "torch"),
    wrong("-m optimizer=adam,lbfgs clip_norm=1 batch=full", "clip_norm=1", "null"),
    wrong("-m records.layers=true problem=digits_mlp,quadratic", "records.layers=true", "quadratic"),
    wrong("-m batch=mini,full batch.size=8", "batch.size=8", "full"),
    wrong("-m optimizer=sgd,adam optimizer.momentum=0.9", "optimizer.momentum=0.9", "adam"),
    wrong("-m problem=quadratic,rosenbrock problem.condition=10", "problem.condition=10", "rosenbrock"),
    wrong("-m schedule=constant,cosine schedule.final_factor=0.1", "schedule.final_factor=0.1", "constant"),
    wrong("-m trainer.devices=1,2", "trainer.devices=2", "ddp"),
    wrong("-m seed=-1", "seed=-1", ">= 0"),
    wrong("-m experiment=momentum,optimizers", "experiment=momentum,optimizers", "one"),
    wrong("-m experiment=momentum,nope", "experiment=momentum,nope", "one"),
    wrong("-m experiment=momentum optimizer.lrr=1", "optimizer.lrr=1", "optimizer.lr"),
    wrong("-m experiment=momentum +lr=1", "lr=1", "optimizer.lr"),
    wrong("-m experiment=momentum optimizer.lr=-1", "optimizer.lr=-1", "> 0"),
    wrong("-m experiment=momentum problem=quadratc", "problem=quadratc", "quadratic"),
    wrong("-m experiment=null,momentum", "experiment", "one"),
    wrong("-m hydra.sweeper.grids=3", "hydra.sweeper.grids"),
    wrong("-m 'hydra.sweeper.grids=[{lr: \"0.1,0.2\"}]'", "lr", "optimizer.lr"),
    wrong("-m 'hydra.sweeper.grids=[{seed: \"1,\"}]'", "seed"),
    wrong("-m seed=1,2 hydra.launcher.nope=1", "hydra.launcher.nope"),
    wrong("-m seed=1,2 hydra/launcher=joblib hydra.launcher.n_jobs=many", "hydra.launcher.n_jobs"),
    wrong("-m seed=1,,2", "seed=1,,2"),
)
def test_a_run_that_cannot_be_trained_is_named_before_the_first_is(refused, case):
    refused(case)
