"""Arguments that an optimizer, a problem or a schedule refuses, and settings that contradict each other."""

import pytest

from mistakes.conftest import table, wrong


@table(
    wrong("optimizer=adam optimizer.betas=[0.9]", "optimizer.betas=[0.9]", "2"),
    wrong("optimizer=adam optimizer.betas=[0.9,0.99,0.999]", "optimizer.betas=[0.9", "2"),
    wrong("optimizer=adam optimizer.betas=0.9", "optimizer.betas=0.9"),
    wrong("optimizer=adam optimizer.betas=[0.9,1.5]", "optimizer.betas", "1.5"),
    wrong("optimizer=adam optimizer.betas=[0.9,1]", "optimizer.betas", "1"),
    wrong("optimizer=adam optimizer.betas=[a,b]", "optimizer.betas"),
    wrong("optimizer=adam optimizer.betas=[0.9,null]", "optimizer.betas"),
    wrong("optimizer=adam optimizer.betas=[]", "optimizer.betas=[]"),
    wrong("optimizer=adam optimizer.eps=-1", "optimizer.eps=-1"),
    wrong("optimizer=adam optimizer.eps=small", "optimizer.eps=small"),
    wrong("optimizer=adam optimizer.amsgrad=maybe", "optimizer.amsgrad=maybe"),
    wrong("optimizer=adam optimizer.fused=abc", "optimizer.fused=abc"),
    wrong("optimizer=adam optimizer.fused=[cpu,tpu]", "optimizer.fused", "tpu"),
    wrong("optimizer=adam optimizer.fused=true +optimizer.foreach=true", "fused", "foreach"),
    wrong("optimizer=adam optimizer.decoupled_weight_decay=true", "optimizer.decoupled_weight_decay=true", "weight_decay"),
    wrong("optimizer=adam optimizer.fused=true engine=numpy", "optimizer.fused=true", "numpy"),
    wrong("optimizer=rprop batch=full optimizer.step_sizes=[1,0.1]", "optimizer.step_sizes"),
    wrong("optimizer=rprop batch=full optimizer.step_sizes=[1]", "optimizer.step_sizes=[1]"),
    wrong("optimizer=rprop batch=full optimizer.etas=[1.5,1.2]", "optimizer.etas", "1.5"),
    wrong("optimizer=rprop batch=full optimizer.etas=0.5", "optimizer.etas=0.5"),
    wrong("optimizer=momentum optimizer.momentum=-0.5", "optimizer.momentum=-0.5"),
    wrong("optimizer=momentum optimizer.momentum=much", "optimizer.momentum=much"),
    wrong("optimizer=nesterov optimizer.dampening=0.5", "optimizer.dampening=0.5"),
    wrong("optimizer.nesterov=true", "optimizer.nesterov=true", "momentum"),
    wrong("optimizer.dampening=0.5", "optimizer.dampening=0.5", "momentum"),
    wrong("optimizer.nesterov=3", "optimizer.nesterov=3", "true"),
    wrong("optimizer.weight_decay=-1", "optimizer.weight_decay=-1"),
    wrong("optimizer=adagrad optimizer.lr_decay=-1", "optimizer.lr_decay=-1"),
    wrong("optimizer=rmsprop optimizer.alpha=2", "optimizer.alpha=2"),
    wrong("optimizer=adadelta optimizer.rho=1.5", "optimizer.rho=1.5"),
    wrong("optimizer=lbfgs batch=full optimizer.history_size=0", "optimizer.history_size=0"),
    wrong("optimizer=lbfgs batch=full optimizer.max_iter=1.5", "optimizer.max_iter=1.5"),
    wrong("optimizer=lbfgs batch=full optimizer.line_search_fn=armijo", "optimizer.line_search_fn=armijo", "strong_wolfe"),
    wrong("optimizer=adafactor optimizer.beta2_decay=0.5", "optimizer.beta2_decay=0.5"),
    wrong("optimizer=muon optimizer.ns_coefficients=[1,2]", "optimizer.ns_coefficients"),
    wrong("optimizer=muon optimizer.adjust_lr_fn=mine", "optimizer.adjust_lr_fn=mine"),
    wrong("-m optimizer=adam 'optimizer.betas=[0.9,0.999],[0.9]'", "optimizer.betas=[0.9]"),
    wrong("-m optimizer.nesterov=false,true", "optimizer.nesterov=true", "momentum"),
    wrong("-m optimizer=adam optimizer.fused=false,abc", "optimizer.fused=abc"),
)
def test_an_argument_that_the_optimizer_refuses_is_named(refused, case):
    refused(case)


@table(
    wrong("problem.condition=0.5", "problem.condition=0.5", ">= 1"),
    wrong("problem.condition=bad", "problem.condition=bad", "number"),
    wrong("problem.examples=63", "problem.examples=63", "even"),
    wrong("problem.dimension=0", "problem.dimension=0", ">= 1"),
    wrong("problem.dimension=2.5", "problem.dimension=2.5", "whole number"),
    wrong("problem.additive=-1", "problem.additive=-1", ">= 0"),
    wrong("problem.multiplicative=1.5", "problem.multiplicative=1.5", "1"),
    wrong("problem.rotated=maybe", "problem.rotated=maybe", "true"),
    wrong("problem.start=far", "problem.start=far", "number"),
    wrong("problem.start_spread=-1", "problem.start_spread=-1", ">= 0"),
    wrong("problem=rosenbrock problem.start=1", "problem.start=1", "list"),
    wrong("problem=rosenbrock problem.start=[1,2,3]", "problem.start=[1", "two"),
    wrong("problem=rosenbrock problem.surface=banana", "problem.surface=banana", "beale"),
    wrong("problem=rosenbrock problem.scale=0", "problem.scale=0", "> 0"),
    wrong("problem=digits_mlp problem.width=0", "problem.width=0", ">= 1"),
    wrong("problem=digits_mlp problem.depth=0", "problem.depth=0", ">= 1"),
    wrong("problem=digits_mlp problem.depth=1.5", "problem.depth=1.5", "whole number"),
    wrong("problem=digits_mlp problem.activation=gelu", "problem.activation=gelu", "relu"),
    wrong("problem=digits_mlp problem.loss=hinge", "problem.loss=hinge", "cross_entropy"),
    wrong("problem=digits_mlp problem.initialisation=zero", "problem.initialisation=zero", "kaiming"),
    wrong("problem=digits_mlp problem.scaling=log", "problem.scaling=log", "standardize"),
    wrong("problem=digits_mlp problem.split=0", "problem.split=0", "fixed"),
    wrong("problem=digits_mlp problem.label_noise=1.5", "problem.label_noise=1.5", "1"),
    wrong("problem=digits_mlp problem.network=linear", "problem.width=32", "linear"),
    wrong("problem=digits_mlp problem.network=transformer", "problem.network=transformer", "mlp"),
    wrong("problem=digits_mlp problem.width=null", "problem.width=null"),
    wrong("problem=digits_logreg +problem.width=8", "problem.width=8", "linear"),
    wrong("problem=moons_mlp problem.network=cnn", "problem.network=cnn", "mlp"),
    wrong("problem=moons_mlp problem.scaling=unit", "problem.scaling=unit", "standardize"),
    wrong("problem=moons_mlp problem.points=3", "problem.points=3", ">= "),
    wrong("problem=linear_regression problem.noise=-1", "problem.noise=-1", ">= 0"),
    wrong("problem=logistic_regression problem.regularisation=0", "problem.regularisation=0", "> 0"),
    wrong("problem=chebyshev_mlp problem.degree=0", "problem.degree=0", ">= 1"),
    wrong("problem=wilson problem.positive=0.5", "problem.positive=0.5", "0.5"),
    wrong("problem=mnist_mlp problem.root=/nowhere/at/all", "problem.root=/nowhere/at/all", "folder"),
    wrong("problem=mnist_mlp problem.dataset=KMNIST", "problem.dataset=KMNIST", "FashionMNIST"),
    wrong("problem.metric=loss", "problem.metric=loss", "train/loss"),
    wrong("problem.metric=val/accuracy", "problem.metric=val/accuracy", "train/gap"),
    wrong("problem.target=0.1", "problem.target=0.1", "metric"),
    wrong("problem.target.value=low", "problem.target.value=low", "number"),
    wrong("problem.target.metric=nope", "problem.target.metric=nope", "train/loss"),
    wrong("+problem.target.foo=1", "problem.target"),
    wrong("-m problem.examples=64,63", "problem.examples=63", "even"),
    wrong("-m problem=digits_mlp problem.activation=relu,gelu", "problem.activation=gelu", "relu"),
    wrong("-m problem=linear_regression,quadratic problem.condition=0.5", "problem.condition=0.5", ">= 1"),
)
def test_an_argument_that_the_problem_refuses_is_named(refused, case):
    refused(case)


@table(
    wrong("schedule=step schedule.factor=0", "schedule.factor=0", "> 0"),
    wrong("schedule=step schedule.factor=2", "schedule.factor=2", "1"),
    wrong("schedule=step schedule.milestones=0.5", "schedule.milestones=0.5"),
    wrong("schedule=step schedule.milestones=[0.5,30]", "schedule.milestones", "30"),
    wrong("schedule=step schedule.milestones=[a]", "schedule.milestones"),
    wrong("schedule=cosine schedule.final_factor=-1", "schedule.final_factor=-1", ">= 0"),
    wrong("schedule=cosine schedule.final_factor=low", "schedule.final_factor=low", "number"),
    wrong("schedule=warmup_cosine schedule.warmup=100", "schedule.warmup=100", "1"),
    wrong("schedule=exponential schedule.final_factor=0", "schedule.final_factor=0", "> 0"),
    wrong("schedule=range_test schedule.start_factor=0", "schedule.start_factor=0", "> 0"),
    wrong("schedule=inverse_time schedule.half=0", "schedule.half=0", "> 0"),
    wrong("schedule=plateau schedule.patience=-1", "schedule.patience=-1", ">= 0"),
    wrong("schedule=plateau schedule.threshold=nan", "schedule.threshold=nan"),
    wrong("schedule=cosine epochs=null max_steps=null max_seconds=1", "schedule=cosine", "max_steps"),
    wrong("schedule=one_cycle epochs=null max_steps=null max_seconds=1 engine=numpy", "schedule=one_cycle", "max_steps"),
    wrong("-m schedule=cosine,constant epochs=null max_steps=null max_seconds=1", "schedule=cosine", "max_steps"),
    wrong("-m schedule=exponential schedule.final_factor=0.1,0", "schedule.final_factor=0", "> 0"),
)
def test_an_argument_that_the_schedule_refuses_is_named(refused, case):
    refused(case)


@table(
    wrong("engine=numpy precision=bf16", "precision=bf16", "numpy"),
    wrong("engine=numpy optimizer=muon optimizer.adamw_eps=-1", "optimizer.adamw_eps=-1", ">= 0"),
    wrong("engine=numpy optimizer=lbfgs batch=full", "optimizer=lbfgs", "engine=torch"),
    wrong("engine=numpy trainer=gpu", "trainer=gpu", "numpy"),
    wrong("engine=numpy trainer=ddp", "trainer", "numpy"),
    wrong("engine=numpy +trainer.deterministic=true", "trainer.deterministic=true", "numpy"),
    wrong("problem=mnist_cnn problem.dataset=stand_in engine=numpy", "problem=mnist_cnn", "engine=torch"),
    wrong("optimizer=lbfgs batch=full clip_norm=1", "clip_norm=1", "null"),
    wrong("optimizer=lbfgs batch=full trainer=ddp", "optimizer=lbfgs", "devices"),
    wrong("records.layers=true", "records.layers=true", "layers"),
    wrong("trainer.devices=2", "trainer.devices=2", "ddp"),
    wrong("trainer=ddp trainer.devices=16 batch.size=8", "trainer.devices=16", "8"),
    wrong("batch.size=100000", "batch.size=100000", "batch=full"),
    wrong("optimizer.spare_biases=true", "optimizer.spare_biases=true", "without optimizer.weight_decay"),
    wrong("optimizer.spare_biases=true optimizer.weight_decay=0.1", "optimizer.spare_biases=true", "one dimension"),
    wrong("problem=digits_mlp problem.target=accuracy", "problem.target=accuracy", "metric, value"),
    wrong("problem=table", "problem.file=null", "problem.file=mine.csv problem.target=price"),
)
def test_settings_that_contradict_each_other_are_named(refused, case):
    refused(case)


def test_a_gpu_that_is_not_there_is_refused(refused):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    (row,) = [wrong("trainer=gpu", "trainer=gpu", "trainer=cpu")]
    refused(row.values[0])
