"""Train one run, or with -m a sweep of them: `python train.py optimizer=adam`. `--help` lists every choice."""

from descent.cli import main

if __name__ == "__main__":
    main()
