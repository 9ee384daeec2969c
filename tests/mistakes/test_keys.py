"""Keys and choices that do not exist: nothing reads them, whether they are added with + or not."""

from mistakes.conftest import table, wrong


@table(
    wrong("+lr=0.5", "lr=0.5", "optimizer.lr"),
    wrong("+optimzer=adam", "optimzer=adam", "optimizer"),
    wrong("++records.new=1", "records.new=1", "growth"),
    wrong("+records.sharpnes=true", "records.sharpnes", "records.sharpness"),
    wrong("+batch.foo=1", "batch.foo=1", "size"),
    wrong("+batch.micro=8", "batch.micro=8", "micro_size"),
    wrong("+schedule.foo=1", "schedule.foo=1"),
    wrong("+schedule.final_factor=0.1", "schedule.final_factor=0.1", "constant"),
    wrong("+problem.nope=1", "problem.nope=1", "condition"),
    wrong("+problem.widht=3 problem=digits_mlp", "problem.widht=3", "width"),
    wrong("+optimizer.speed=9", "optimizer.speed=9", "lr"),
    wrong("+optimizer.speed=9 engine=numpy", "optimizer.speed=9", "lr"),
    wrong("optimizer=adam +optimizer.momentum=0.9", "optimizer.momentum=0.9", "betas"),
    wrong("batch=full +batch.size=5", "batch.size=5", "full"),
    wrong("batch=stochastic +batch.size=5", "batch.size=5", "mini"),
    wrong("+epoch=3", "epoch=3", "epochs"),
    wrong("++seeds=3", "seeds=3", "seed"),
    wrong("+precison=64", "precison=64", "precision"),
    wrong("+data.root=x", "data.root=x"),
    wrong("+logger.nope=1", "logger.nope"),
    wrong("+optimizer.lr.x=1", "optimizer.lr"),
    wrong("+hydra.nope=1", "hydra.nope"),
    wrong("+experiment.foo=1", "experiment"),
    wrong("-m +lr=0.1,0.5", "lr=0.1", "optimizer.lr"),
    wrong("-m +optimzer=adam,sgd", "optimzer=adam", "optimizer"),
    wrong("-m seed=1,2 ++records.new=1", "records.new=1"),
    wrong("-m seed=1,2 +batch.foo=1", "batch.foo=1"),
    wrong("-m +schedule.foo=1,2", "schedule.foo=1"),
    wrong("-m +problem.nope=1,2", "problem.nope=1"),
    wrong("-m +optimizer.speed=1,2", "optimizer.speed=1"),
    wrong("-m seed=1,2 ++epoch=3", "epoch=3", "epochs"),
    wrong("-m optimizer.lrr=0.1,0.2", "optimizer.lrr=0.1", "optimizer.lr"),
    wrong("-m seeds=1,2", "seeds=1", "seed"),
    wrong("-m lr=0.1,0.2", "lr=0.1", "optimizer.lr"),
    wrong("-m optimiser=sgd,adam", "optimiser=sgd", "optimizer"),
)
def test_a_key_that_nothing_reads_is_refused(refused, case):
    refused(case)


@table(
    wrong("names.optimizer=adam", "names.optimizer=adam", "optimizer=adam"),
    wrong("names.optimizer=../../x", "names.optimizer=../../x"),
    wrong("names.problem=mnist", "names.problem=mnist"),
    wrong("+names.title=x", "names.title=x"),
    wrong("-m names.optimizer=a,b", "names.optimizer=a"),
)
def test_the_names_of_what_was_chosen_cannot_be_set(refused, case):
    refused(case)


@table(
    wrong("lr=0.1", "lr=0.1", "optimizer.lr"),
    wrong("learning_rate=0.1", "learning_rate=0.1", "optimizer.lr"),
    wrong("momentum=0.9", "momentum=0.9", "optimizer.momentum"),
    wrong("condition=10", "condition=10", "problem.condition"),
    wrong("width=3 problem=digits_mlp", "width=3", "problem.width"),
    wrong("batch_size=32", "batch_size=32", "batch.size"),
    wrong("epoch=3", "epoch=3", "epochs"),
    wrong("max_step=3", "max_step=3", "max_steps"),
    wrong("optimiser=adam", "optimiser=adam", "optimizer"),
    wrong("Seed=3", "Seed=3", "seed"),
    wrong("optimizer.learning_rate=0.1", "optimizer.learning_rate=0.1", "optimizer.lr"),
    wrong("optimizer.weight_decy=0.1", "optimizer.weight_decy=0.1", "optimizer.weight_decay"),
    wrong("optimizer=adam optimizer.beta=[0.9,0.99]", "optimizer.beta=", "optimizer.betas"),
    wrong("optimizer=adagrad optimizer.momentum=0.9", "optimizer.momentum=0.9", "adagrad"),
    wrong("problem=digits_mlp problem.widht=3", "problem.widht=3", "problem.width"),
    wrong("problem.condtion=10", "problem.condtion=10", "problem.condition"),
    wrong("records.grow=1.1", "records.grow=1.1", "records.growth"),
    wrong("trainer.device=2", "trainer.device=2", "trainer.devices"),
    wrong("schedule=cosine schedule.warmup=0.1", "schedule.warmup=0.1", "final_factor"),
    wrong("batch=stochastic batch.size=64", "batch.size=64", "mini"),
    wrong("batch=full batch.size=5", "batch.size=5", "mini"),
)
def test_a_key_that_is_misspelt_or_misplaced_names_the_right_one(refused, case):
    refused(case)


@table(
    wrong("logger=[null]", "logger"),
    wrong("batch=32", "batch=32", "batch.size=32"),
    wrong("optimizer=adam batch=64", "batch=64", "batch.size=64"),
    wrong("-m batch=mini,32", "batch=32", "batch.size=32"),
    wrong("batch=minibatch", "batch=minibatch", "mini"),
    wrong("optimizer=Adam", "optimizer=Adam", "adam"),
    wrong("optimizer=SGD", "optimizer=SGD", "sgd"),
    wrong("optimizer=adamm", "optimizer=adamm", "adam"),
    wrong("optimizer=torch.optim.Adam", "optimizer=torch.optim.Adam", "adam"),
    wrong("optimizer=optimizer/adam", "optimizer=optimizer/adam", "adam"),
    wrong("optimizer=0.1", "optimizer=0.1", "sgd"),
    wrong("problem=minst_mlp", "problem=minst_mlp", "mnist_mlp"),
    wrong("problem=digits", "problem=digits", "digits_mlp"),
    wrong("problem=../problem/nope", "problem=../problem/nope"),
    wrong("schedule=cos", "schedule=cos", "cosine"),
    wrong("schedule=StepLR", "schedule=StepLR", "step"),
    wrong("trainer=cuda", "trainer=cuda", "gpu"),
    wrong("logger=tensorbord", "tensorbord", "tensorboard"),
    wrong("logger=[csv,nope]", "logger", "nope", "csv"),
    wrong("logger=none", "logger", "none", "csv"),
    wrong("engine=jax", "engine=jax", "numpy"),
    wrong("engine=pytorch", "engine=pytorch", "torch"),
    wrong("engine=Numpy", "engine=Numpy", "numpy"),
    wrong("precision=16", "precision=16", "bf16"),
    wrong("precision=double", "precision=double", "64"),
    wrong("trainer.accelerator=tpu", "trainer.accelerator=tpu", "gpu"),
    wrong("experiment=momentum", "experiment=momentum", "-m experiment=momentum"),
    wrong("experiment=momentm", "experiment=momentm", "momentum"),
    wrong("-m experiment=nope", "experiment=nope", "momentum"),
    wrong("-m experiment=schedule", "experiment=schedule", "schedules"),
    wrong("-m optimizer=sgd,adma", "optimizer=adma", "adam"),
    wrong("-m seed=1,2 hydra/launcher=slurm", "hydra/launcher=slurm", "submitit_slurm"),
    wrong("-m seed=1,2 hydra/sweeper=nope", "hydra/sweeper=nope", "study"),
)
def test_a_choice_that_does_not_exist_names_the_likeliest(refused, case):
    refused(case)
