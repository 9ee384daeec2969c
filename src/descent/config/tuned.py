"""Tuned settings of `settings=tuned`: what they were found for, and where a run differs from that."""

from typing import Any

from descent.config.schema import RunConfig
from descent.config.targets import declared, factory
from descent.config.values import is_folder


def shared(config: RunConfig) -> dict[str, Any]:
    """Return what a best learning rate hangs on, beside the optimizer: problem, batch, budget, schedule and wrapper.

    Args:
        config: resolved.
    """
    settings = {name: getattr(config, name) for name in ("epochs", "max_steps", "max_seconds", "clip_norm")}
    settings |= {"schedule": config.names.schedule, "problem.metric": config.problem.metric}
    if config.wrapper:
        settings["wrapper"] = config.names.wrapper
    for group in ("problem", "batch"):
        component = getattr(config, group)
        types = declared(factory(group, component.factory))
        for name, value in component.arguments.items():
            if name != "micro_size" and not is_folder(types.get(name)):
                settings[f"{group}.{name}"] = value
    return settings


def differences(config: RunConfig) -> str:
    """Return in which settings a run differs from those that its tuned settings were found for; empty where it has none.

    Args:
        config: resolved.
    """
    if config.tuned is None:
        return ""
    before, now = config.tuned.shared, shared(config)
    others = [key for key in {**before, **now} if before.get(key) != now.get(key)]

    def told(values: dict[str, Any]) -> str:
        return ", ".join(f"{key}={_shown(values.get(key))}" for key in others)

    return f"the tuned settings are for {told(before)}, and this run has {told(now)}" if others else ""


def _shown(value: object) -> str:
    return "null" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
