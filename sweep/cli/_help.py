"""The text of ``sweep --help``: names and sentences from the YAML files, so that it imports nothing heavy."""

from sweep import compose
from sweep.cli import commands
from sweep.config import LayerMode, Sampler

USAGE = """\
Find the training setup with the best quality per joule.

  python -m sweep +experiment=<name> [key=value ...]     run or resume a study
  python -m sweep <command> --help                       everything else

  ++search.vary.<key>=[a,b]                  make any config key a dimension, or replace one
  '++search.vary.<key>={low:1,high:9}'       a range instead of a list (also log:true, step:2)
  ++search.vary.<key>=null                   take a dimension out
  --config-dir DIR                           search more configs; ./conf is searched anyway
  --cfg job                                  show the composed config
  --traceback                                show where an error comes from"""


def overview() -> str:
    """The whole text."""
    compose.prepare()
    sections = [USAGE, _section("commands", {name: cls.help for name, cls in commands().items()})]
    sections += [_section(f"{'+' if g == 'experiment' else ''}{g}=", compose.options(g)) for g in compose.GROUPS]
    sections.append(_section("search.sampler=", {"|".join(Sampler.__members__): ""}))
    sections.append(_section("layers.mode=", {"|".join(LayerMode.__members__): ""}))
    return "\n\n".join(sections)


def _section(title: str, entries: dict[str, str]) -> str:
    width = max((len(name) for name in entries), default=0)
    return "\n".join([title, *(f"  {name:<{width}}  {text}".rstrip() for name, text in entries.items())])
