"""What is typed wrong before any setting is looked at: commas without -m, missing quotes, dashes, interpolations."""

from mistakes.conftest import table, wrong

LONG = "a" * 300


@table(
    wrong("seed=1,2", "seed=1,2", "-m"),
    wrong("optimizer=sgd,adam", "optimizer=sgd,adam", "-m"),
    wrong("optimizer.lr=0.1,0.2", "optimizer.lr=0.1,0.2", "-m"),
    wrong("batch=mini,full", "batch=mini,full", "-m"),
    wrong("'seed=range(1,4)'", "seed=range(1,4)", "-m"),
    wrong("'seed=choice(1,2)'", "seed=choice(1,2)", "-m"),
    wrong("'optimizer.lr=interval(0.1,1)'", "optimizer.lr=interval(0.1,1)"),
    wrong("'optimizer=glob(a*)'", "optimizer=glob(a*)", "-m"),
    wrong("-m 'optimizer.lr=interval(0.1,1)'", "optimizer.lr=interval(0.1,1)"),
    wrong("-m 'optimizer=glob(z*)'", "optimizer=glob(z*)"),
    wrong("-m 'seed=range(3,3)'", "seed=range(3,3)", "empty"),
    wrong("-m 'seed=range(1,4,0)'", "seed=range(1,4,0)"),
    wrong("-m 'seed=rang(1,4)'", "seed=rang(1,4)", "range"),
)
def test_a_sweep_is_refused_where_there_is_none(refused, case):
    refused(case)


@table(
    wrong("output_dir=/proc/x/a=b", "output_dir=/proc/x/a=b", "quot"),
    wrong("output_dir=out/a=b", "output_dir=out/a=b", "quot"),
    wrong("output_dir=~/x=y", "output_dir=~/x=y", "quot"),
    wrong("'output_dir=~/x'", "output_dir=~/x", "quot"),
    wrong("'output_dir=a&b'", "output_dir=a&b", "quot"),
    wrong("'output_dir=a#b'", "output_dir=a#b", "quot"),
    wrong("'output_dir=a;b'", "output_dir=a;b", "quot"),
    wrong("-m seed=1,2 output_dir=out/a=b", "output_dir=out/a=b", "quot"),
    wrong("'output_dir=out (1)'", "output_dir=out (1)", "quot"),
    wrong("study=größe", "study=größe"),
    wrong("'study=a b'", "study=a b"),
    wrong("'study=x(1)'", "study=x(1)"),
    wrong('"study=\'open"', "study='open"),
    wrong("optimizer=adam 'optimizer.betas=[0.9,0.99'", "optimizer.betas=[0.9,0.99"),
    wrong("'problem.target={metric: train/loss'", "problem.target={metric: train/loss"),
    wrong("'problem.target={metric: train/loss, value: }}'", "problem.target={"),
    wrong("optimizer==adam", "optimizer==adam"),
    wrong("optimizer:adam", "optimizer:adam", "optimizer=adam"),
    wrong("optimizer adam", "optimizer", "optimizer=adam"),
    wrong("optimizer= adam", "optimizer="),
    wrong("=adam", "=adam"),
    wrong("''", "=", id="an empty argument"),
    wrong("--optimizer=adam", "--optimizer=adam", "optimizer=adam"),
    wrong("--lr 0.1", "--lr"),
    wrong("-x seed=1", "-x"),
    wrong("optimizer.lr=", "optimizer.lr", "number"),
    wrong("seed=", "seed", "number"),
    wrong("study=", "study"),
    wrong("output_dir=", "output_dir"),
    wrong("optimizer=", "optimizer", "sgd"),
)
def test_what_cannot_be_read_says_how_to_type_it(refused, case):
    refused(case)


@table(
    wrong("'hydra.searchpath=[pkg://nowhere.conf]'", "hydra.searchpath=pkg://nowhere.conf", "package"),
    wrong("'hydra.searchpath=[file://nowhere]'", "hydra.searchpath=file://nowhere", "folder"),
    wrong("--config-dir nowhere", "--config-dir", "nowhere"),
    wrong("--config-dir file", "--config-dir", "file", files={"here/file": ""}, id="--config-dir is a file"),
    wrong("--config-name nope", "--config-name", "nope"),
    wrong("--config-path nowhere", "--config-path", "nowhere"),
    wrong("--cfg nope", "--cfg", "nope", "job"),
)
def test_a_flag_with_a_wrong_value_is_refused(refused, case):
    refused(case)


@table(
    wrong("'seed=${oc.env:NOPE}'", "seed=${oc.env:NOPE}", "NOPE"),
    wrong("'optimizer.lr=${oc.env:NOPE}'", "optimizer.lr=${oc.env:NOPE}", "NOPE"),
    wrong("'study=${oc.env:NOPE}'", "study=${oc.env:NOPE}", "NOPE"),
    wrong("'output_dir=${oc.env:NOPE}/x'", "output_dir=${oc.env:NOPE}/x", "NOPE"),
    wrong("'optimizer=${oc.env:NOPE}'", "optimizer=${oc.env:NOPE}"),
    wrong("'seed=${oc.env:HOME}'", "seed=", "number", id="seed=${oc.env:HOME}"),
    wrong("'seed=${nope}'", "seed=${nope}", "nope"),
    wrong("'batch.size=${problem.nope}'", "batch.size=${problem.nope}", "problem.nope"),
    wrong("'seed=${nope:1}'", "seed=${nope:1}", "nope"),
    wrong("'seed=${seed}'", "seed=${seed}"),
    wrong("'seed=${oc.env:'", "seed=${oc.env:"),
    wrong("'seed=???'", "seed"),
    wrong("'+optimizer.speed=${oc.env:NOPE}'", "optimizer.speed"),
    wrong("-m 'seed=${oc.env:NOPE},2'", "seed=${oc.env:NOPE}", "NOPE"),
    wrong("-m seed=1,2 'optimizer.lr=${nope}'", "optimizer.lr=${nope}", "nope"),
)
def test_an_interpolation_that_resolves_to_nothing_is_refused(refused, case):
    refused(case)


@table(
    wrong(f"output_dir={LONG}", "output_dir=", "long", id="output_dir of 300 letters"),
    wrong(f"output_dir=x/{LONG}/y", "output_dir=", "long", id="output_dir with a part of 300 letters"),
    wrong(f"study={LONG}", "study=", id="study of 300 letters"),
    wrong(f"-m seed=1,2 output_dir={LONG}", "output_dir=", "long", id="-m output_dir of 300 letters"),
    wrong(f"-m seed=1,2 study={LONG}", "study=", id="-m study of 300 letters"),
    wrong("output_dir=file", "output_dir=file", files={"here/file": ""}, id="output_dir is a file"),
    wrong("output_dir=file/x", "output_dir=file/x", files={"here/file": ""}, id="output_dir in a file"),
    wrong("-m seed=1,2 output_dir=file", "output_dir=file", files={"here/file": ""}, id="-m output_dir is a file"),
    wrong("study=../elsewhere", "study=../elsewhere", "name of a folder"),
    wrong("study=a/b", "study=a/b", "name of a folder"),
    wrong("study=..", "study=..", "name of a folder"),
    wrong("study=.", "study=.", "name of a folder"),
)
def test_a_folder_that_cannot_be_is_refused(refused, case):
    refused(case)
