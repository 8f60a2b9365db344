"""A diagnosis in words for a terminal: a table of the domains, then what must be known, then what it is all worth.

Every sentence is plain, and broken only between words, so that commands can be copied; whoever needs the numbers takes
``--json``. Domains of which the same is to be said share a line.
"""

import textwrap
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sweep.analysis import wording
from sweep.doctor.findings import Diagnosis, DomainFinding, Surroundings
from sweep.doctor.spread import DIFFERENCE, LEVEL, POWER

DASH = "-"
INDENT = "  "
CAPTION = (
    "scale: the same factor for every setup on this machine; random: from run to run; one standard uncertainty each. "
    "Power in brackets: as the model has it."
)
Said = tuple[str, str]
"""A domain, and something to be said of it."""


def show(diagnosis: Diagnosis, console: Console) -> None:
    """Print it."""
    console.print(_domain_table(diagnosis.domains))
    _print(console, CAPTION, style="dim")
    for title, lines in _sections(diagnosis).items():
        if lines:
            console.print()
            _print(console, title, style="bold")
            for line in lines:
                _print(console, line, indent=INDENT)


def _print(console: Console, line: str, indent: str = "", style: str = "") -> None:
    wrapped = textwrap.fill(
        line,
        console.width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    console.print(Text(wrapped, style), soft_wrap=True)


def _sections(diagnosis: Diagnosis) -> dict[str, list[str]]:
    domains = diagnosis.domains
    return {
        "Domains": [*_together(_origin(domains)), *_together(_counting(domains))],
        "Idle power": list(_idle(domains)),
        (
            f"Repeats of each of two setups that differ by {100.0 * DIFFERENCE:g} %, to tell them apart "
            f"(probability {POWER:g}, two-sided test at {LEVEL:g})"
        ): list(_together(_repeats(domains))),
        "Here, but not measured": [f"{item.what}: {item.why}: {item.mend}." for item in diagnosis.problems],
        "Not here": [f"{item.what}: {item.why}." for item in diagnosis.absences],
        "This machine": list(_machine(diagnosis.surroundings)),
        "What measuring costs": [_price(diagnosis)],
        "Warnings": diagnosis.warnings,
        "What would make more of it measured": diagnosis.would_help,
        f"What energy numbers on this machine are worth: {diagnosis.grade}": [diagnosis.verdict],
    }


def _together(said: Iterable[Said]) -> Iterator[str]:
    """One line for all domains of which the same is said."""
    names: dict[str, list[str]] = {}
    for name, text in said:
        names.setdefault(text, []).append(name)
    for text, named in names.items():
        yield f"{', '.join(named)}: {text}."


def _domain_table(domains: Iterable[DomainFinding]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("domain", "provenance", "of", "tick", "step", "idle", "scale", "random"):
        table.add_column(name, no_wrap=True)
    for domain in domains:
        table.add_row(
            domain.name,
            str(domain.provenance),
            wording.whose(domain.scope),
            _tick(domain),
            _small(domain.ticking.step_j) if domain.is_measured else DASH,
            _idle_w(domain),
            f"±{100.0 * domain.scale_u_rel:g} %",
            f"±{100.0 * domain.random_u_rel:g} %",
        )
    return table


def _tick(domain: DomainFinding) -> str:
    seen = domain.ticking
    if not domain.is_measured:
        return DASH
    if not seen.moves:
        return "still"
    if seen.tick_s is not None:
        return _milliseconds(seen.tick_s)
    return "none" if seen.at_every_look else "rare"


def _idle_w(domain: DomainFinding) -> str:
    if domain.static_power_w:
        return f"({wording.power(domain.static_power_w)})"
    return DASH if domain.idle is None else wording.power(domain.idle.power_w)


def _origin(domains: Iterable[DomainFinding]) -> Iterator[Said]:
    for domain in domains:
        yield domain.name, domain.source
    for domain in domains:
        if domain.note:
            yield domain.name, domain.note


def _counting(domains: Iterable[DomainFinding]) -> Iterator[Said]:
    """What was seen of the counters."""
    for domain in domains:
        seen, name = domain.ticking, domain.name
        if domain.is_measured and not seen.moves:
            yield name, f"did not move in {seen.looked_s:.2g} s, so no tick, idle power or spread is told"
        elif domain.is_measured and seen.tick_s is None and not seen.at_every_look:
            yield name, f"moved {wording.count(seen.moves, 'time')} in {seen.looked_s:.2g} s: too rarely for a tick"
        elif domain.is_measured and seen.at_every_look:
            yield name, f"moved at every look, each {_milliseconds(seen.look_s or 0.0)}: integrated here, or faster"
        if domain.resolution_j is not None and seen.step_j is not None:
            last_digit = _small(domain.resolution_j)
            yield name, f"smallest step seen {_small(seen.step_j)}, last digit by the driver {last_digit}"
        if domain.others:
            yield name, f"{domain.others} other {'process' if domain.others == 1 else 'processes'} on the device"


def _idle(domains: Iterable[DomainFinding]) -> Iterator[str]:
    for domain in domains:
        idle = domain.idle
        if idle is None:
            continue
        told = f"{domain.name}: {wording.power(idle.power_w, idle.power_u_w)} over {idle.duration_s:.2g} s"
        yield f"{told}, with nothing else at work." if idle.quiet else f"{told}, not quiet: {idle.reason}."
        if idle.polled_w is not None and idle.power_w:
            yield (
                f"{domain.name}: mean polled power (equation 1) {wording.power(idle.polled_w)}, "
                f"{100.0 * (idle.polled_w / idle.power_w - 1.0):+.1f} % against the counter."
            )


def _repeats(domains: Iterable[DomainFinding]) -> Iterator[Said]:
    for domain in domains:
        spread = domain.spread
        if domain.is_measured and not domain.moves:
            yield domain.name, "not known, the counter did not move"
        elif spread.repeats is None or spread.sd_rel is None:
            yield domain.name, f"not known, {spread.reason}"
        else:
            work = f"the same work, done {spread.runs} times in {spread.run_s:.2g} s each"
            sd = wording.share(spread.sd_rel)
            yield domain.name, f"{spread.repeats} of each; {work}, had a standard deviation of {sd}"


def _machine(around: Surroundings) -> Iterator[str]:
    kind = " in a virtual machine" if around.is_virtual else ""
    yield f"{around.processor or 'A processor without a name'}{kind}, {around.system}."
    held = f" in a container ({around.container})" if around.container else ""
    memory = "" if around.memory_limit_bytes is None else f" and {around.memory_limit_bytes / 2**30:.3g} GiB of memory"
    yield f"This process may use {around.cores:.3g} of {around.machine_cores or '?'} cores{memory}{held}."
    if around.other_cpu_share is not None:
        yield f"Other programs used {wording.share(around.other_cpu_share)} of the machine's cores."
    if around.wait_share is not None:
        yield f"This process waited for a core in {wording.share(around.wait_share)} of its time."
    if around.programs:
        told = ", ".join(f"{item.name} (pid {item.pid}) {item.cores:.2f}" for item in around.programs)
        yield f"The busiest that can be seen, in cores: {told}."
    policy = "is not set" if around.wait_policy is None else f"is {around.wait_policy}"
    yield (
        f"OMP_WAIT_POLICY {policy}. Waiting threads that spin are charged as work: a study sets PASSIVE by itself "
        "(trainer.wait_policy), a loop of your own must do so before torch is loaded."
    )


def _price(diagnosis: Diagnosis) -> str:
    price = diagnosis.price
    return (
        f"One reading takes {1e6 * price.reading_s:.3g} us ({1e6 * price.reading_cpu_s:.3g} us of CPU time); the "
        f"poller reads every {price.poll_interval_s:.3g} s, and used {100.0 * price.poller_cpu_share:.2g} % of a core."
    )


def _milliseconds(duration_s: float) -> str:
    return f"{1e3 * duration_s:.3g} ms"


def _small(energy_j: float | None) -> str:
    """Joules of a step."""
    if energy_j is None:
        return DASH
    return f"{1e6 * energy_j:.3g} uJ" if energy_j < 1e-3 else wording.energy(energy_j)
