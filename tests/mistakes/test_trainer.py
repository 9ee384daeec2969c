"""Arguments of Lightning's Trainer that descent decides, that Lightning does not know, or that a run cannot bear."""

from mistakes.conftest import table, wrong


@table(
    wrong("+trainer.num_nodes=2", "trainer.num_nodes=2", "deterministic"),
    wrong("+trainer.profiler=[1]", "trainer.profiler=[1]", "simple"),
    wrong("+trainer.strategy=nope", "trainer.strategy=nope"),
    wrong("+trainer.accumulate_grad_batches=4", "trainer.accumulate_grad_batches=4", "batch.micro_size"),
    wrong("+trainer.gradient_clip_val=1", "trainer.gradient_clip_val=1", "clip_norm"),
    wrong("+trainer.gradient_clip_algorithm=norm", "trainer.gradient_clip_algorithm=norm", "clip_norm"),
    wrong("+trainer.max_epochs=3", "trainer.max_epochs=3", "epochs"),
    wrong("+trainer.min_epochs=3", "trainer.min_epochs=3", "epochs"),
    wrong("+trainer.max_steps=5", "trainer.max_steps=5", "max_steps"),
    wrong("+trainer.min_steps=5", "trainer.min_steps=5", "max_steps"),
    wrong("+trainer.max_time=00:00:01:00", "trainer.max_time", "max_seconds"),
    wrong("+trainer.precision=16", "trainer.precision=16", "precision"),
    wrong("+trainer.logger=true", "trainer.logger=true", "logger"),
    wrong("+trainer.callbacks=[]", "trainer.callbacks"),
    wrong("+trainer.enable_checkpointing=true", "trainer.enable_checkpointing=true"),
    wrong("+trainer.enable_progress_bar=true", "trainer.enable_progress_bar=true"),
    wrong("+trainer.fast_dev_run=true", "trainer.fast_dev_run=true", "max_steps"),
    wrong("+trainer.fast_dev_run=2", "trainer.fast_dev_run=2", "max_steps"),
    wrong("+trainer.limit_train_batches=2", "trainer.limit_train_batches=2", "max_steps"),
    wrong("+trainer.overfit_batches=1", "trainer.overfit_batches=1"),
    wrong("+trainer.barebones=true", "trainer.barebones=true"),
    wrong("+trainer.nonsense=1", "trainer.nonsense=1"),
    wrong("+trainer.max_epoch=3", "trainer.max_epoch=3"),
    wrong("+trainer.determinstic=true", "trainer.determinstic=true", "deterministic"),
    wrong("+trainer.deterministic=maybe", "trainer.deterministic=maybe"),
    wrong("+trainer.profiler=nope", "trainer", "profiler"),
    wrong("+trainer.strategy=nope", "trainer", "strategy"),
    wrong("+trainer.strategy=ddp trainer.devices=2", "trainer", "trainer=ddp"),
    wrong("+trainer.plugins=nope", "trainer", "plugins"),
    wrong("+trainer.num_nodes=two", "trainer.num_nodes=two"),
    wrong("trainer.devices=-1", "trainer.devices=-1", ">= 1"),
    wrong("trainer.devices=1.5", "trainer.devices=1.5", "number"),
    wrong("trainer.devices=[0,0]", "trainer.devices"),
    wrong("-m seed=1,2 +trainer.max_epochs=3", "trainer.max_epochs=3", "epochs"),
    wrong("-m seed=1,2 +trainer.nonsense=1", "trainer.nonsense=1"),
    wrong("-m seed=1,2 +trainer.accumulate_grad_batches=4", "trainer.accumulate_grad_batches=4", "batch.micro_size"),
    wrong("-m +trainer.limit_train_batches=2,3", "trainer.limit_train_batches=2", "max_steps"),
    wrong("+trainer.nonsense=1 engine=numpy", "trainer.nonsense=1"),
)
def test_an_argument_of_the_trainer_that_cannot_work_is_named(refused, case):
    refused(case)
