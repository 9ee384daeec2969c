"""Lists and mappings for scalars, and keys and groups that are null or removed."""

from mistakes.conftest import table, wrong


@table(
    wrong("seed=[1,2]", "seed=[1", "number"),
    wrong("engine=[numpy]", "engine=[", "numpy"),
    wrong("precision=[32,64]", "precision=[32", "bf16"),
    wrong("study=[a]", "study=["),
    wrong("output_dir=[x]", "output_dir=["),
    wrong("rerun=[true]", "rerun=[", "true"),
    wrong("max_steps=[3]", "max_steps=[3]", "number"),
    wrong("'epochs={a: 1}'", "epochs={", "number"),
    wrong("'max_seconds={a: 1}'", "max_seconds={", "number"),
    wrong("clip_norm=[1]", "clip_norm=[1]", "number"),
    wrong("optimizer.lr=[0.1,0.2]", "optimizer.lr=[0.1", "number"),
    wrong("'optimizer.lr={value: 0.1}'", "optimizer.lr", "number"),
    wrong("'seed={a: 1}'", "seed", "number"),
    wrong("'study={a: b}'", "study"),
    wrong("records=3", "records=3"),
    wrong("records=[1]", "records=["),
    wrong("records.growth=[1.1,1.2]", "records.growth=[1.1", "number"),
    wrong("records.layers=[true]", "records.layers=[", "true"),
    wrong("batch.size=[8]", "batch.size=[8]", "number"),
    wrong("batch.drop_last=[true]", "batch.drop_last=[", "true"),
    wrong("optimizer=[adam]", "optimizer=[adam]", "one"),
    wrong("optimizer=[sgd,adam]", "optimizer=[sgd,adam]", "one"),
    wrong("problem=[quadratic]", "problem=[quadratic]", "one"),
    wrong("problem.start=[1,2]", "problem.start=[1", "number"),
    wrong("problem.dimension=[3]", "problem.dimension=[3]", "number"),
    wrong("problem.metric=[train/gap]", "problem.metric=["),
    wrong("problem.threads=[1]", "problem.threads=[1]", "number"),
    wrong("trainer.devices=[]", "trainer.devices=[]"),
    wrong("trainer.accelerator=[cpu]", "trainer.accelerator=[", "cpu"),
    wrong("'logger={csv: 1}'", "logger"),
    wrong("-m seed=[1,2],3", "seed=[1", "number"),
    wrong("-m engine=numpy,[torch]", "engine=[", "numpy"),
)
def test_a_list_or_a_mapping_is_no_scalar(refused, case):
    refused(case)


@table(
    wrong("optimizer=null", "optimizer=null", "sgd"),
    wrong("problem=null", "problem=null", "quadratic"),
    wrong("batch=null", "batch=null", "mini"),
    wrong("schedule=null", "schedule=null", "constant"),
    wrong("trainer=null", "trainer=null", "cpu"),
    wrong("logger=null", "logger=null"),
    wrong("records=null", "records=null"),
    wrong("seed=null", "seed=null", "number"),
    wrong("engine=null", "engine=null", "numpy"),
    wrong("precision=null", "precision=null", "32"),
    wrong("study=null", "study=null"),
    wrong("output_dir=null", "output_dir=null"),
    wrong("rerun=null", "rerun=null", "true"),
    wrong("records.growth=null", "records.growth=null", "number"),
    wrong("records.first_epoch=null", "records.first_epoch=null", "number"),
    wrong("records.layers=null", "records.layers=null", "true"),
    wrong("batch.size=null", "batch.size=null", "number"),
    wrong("optimizer.lr=null", "optimizer.lr=null", "number"),
    wrong("optimizer=adam optimizer.betas=null", "optimizer.betas=null"),
    wrong("problem.dimension=null", "problem.dimension=null", "number"),
    wrong("problem.metric=null", "problem.metric=null"),
    wrong("problem.threads=null", "problem.threads=null", "number"),
    wrong("trainer.accelerator=null", "trainer.accelerator=null", "cpu"),
    wrong("-m optimizer=sgd,null", "optimizer=null", "adam"),
    wrong("-m seed=1,null", "seed=null", "number"),
)
def test_null_is_refused_where_something_must_be(refused, case):
    refused(case)


@table(
    wrong("~optimizer", "optimizer"),
    wrong("~problem", "problem"),
    wrong("~batch", "batch"),
    wrong("~schedule", "schedule"),
    wrong("~trainer", "trainer"),
    wrong("~records", "records"),
    wrong("~seed", "seed"),
    wrong("~engine", "engine"),
    wrong("~study", "study"),
    wrong("~output_dir", "output_dir"),
    wrong("~epochs", "epochs"),
    wrong("~max_steps", "max_steps"),
    wrong("~precision", "precision"),
    wrong("~records.growth", "records.growth"),
    wrong("~optimizer.lr", "optimizer.lr"),
    wrong("~batch.size", "batch.size"),
    wrong("~optimizer._target_", "optimizer._target_"),
    wrong("~problem.dimension", "dimension"),
    wrong("~problem.target.value", "problem.target", "value"),
    wrong("~optimizer=adam", "optimizer=adam", "delete"),
    wrong("~nope", "nope"),
    wrong("-m ~seed optimizer.lr=0.1,0.2", "seed"),
    wrong("-m ~optimizer seed=1,2", "optimizer"),
)
def test_a_key_or_a_group_that_is_removed_is_refused(refused, case):
    refused(case)
