"""What the doctor found: plain records, and the JSON of ``sweep doctor --json``.

    Diagnosis
      grade         "measured", "mixture" (of measured and modelled domains) or "modelled"
      verdict       what energy numbers on this machine are worth, in one or two sentences
      would_help    what would make modelled joules measured, a sentence each
      domains       [DomainFinding]     with their ticking, idle power and spread
      problems      [Shortage]          sensors that are here and cannot be used: the permission, with its mend
      absences      [Shortage]          sensors that are not here
      surroundings  Surroundings        machine, container, wait policy, load of others
      price         Price               what measuring costs
      warnings      [str]               what the recorder had to say meanwhile

Units stand in the names; ``None`` is not known, never 0.
"""

from sweep.records import IdlePower, Provenance, Record, Scope


class Shortage(Record, frozen=True, kw_only=True):
    """What is not measured.

    Attributes:
        what: a domain, or what a missing meter would cover: ``cpu``, ``gpu``.
        why: the value and the rule it breaks.
        mend: the next step, in the imperative.
    """

    what: str
    why: str
    mend: str


class Ticking(Record, frozen=True, kw_only=True):
    """How a counter moved while it was looked at.

    Attributes:
        looked_s: for so long.
        look_s: median time between two looks; ``None`` if there were fewer than two.
        moves: how often it showed another value.
        tick_s: median time between two moves; ``None`` if it moved less than three times, or at every look.
        step_j: its smallest step; ``None`` if it did not move.
        at_every_look: whether it moves whenever it is read: a model, or a tick shorter than ``look_s``.
    """

    looked_s: float
    look_s: float | None
    moves: int
    tick_s: float | None
    step_j: float | None
    at_every_look: bool


class Spread(Record, frozen=True, kw_only=True):
    """How much the joules of the same work differ from run to run.

    Attributes:
        runs: of the same work.
        run_s: median duration of one.
        mean_j: mean joules of one; ``None`` if they are not known.
        sd_rel: standard deviation over the mean.
        repeats: of each of two setups that differ by 5 %, after which they are told apart; ``None`` if not known.
        reason: why they are not known; empty otherwise.
    """

    runs: int
    run_s: float
    mean_j: float | None = None
    sd_rel: float | None = None
    repeats: int | None = None
    reason: str = ""


class DomainFinding(Record, frozen=True, kw_only=True):
    """One domain.

    Attributes:
        additive: whether it enters the total.
        scale_u_rel: relative standard uncertainty of the scale, the same factor for every setup.
        random_u_rel: relative standard uncertainty from run to run, as the meter states it.
        resolution_j: joules of the last digit, as the driver tells.
        ticking: measured.
        idle: ``None`` for a model, whose static power is ``static_power_w``, and for a counter that stands still.
        static_power_w: of a model.
        others: processes of others that compute on the device; ``None`` where no driver tells.
        spread: of a fixed piece of work.
        source: where its constants and its counter come from.
        note: what a reader must know.
    """

    name: str
    provenance: Provenance
    scope: Scope | None
    additive: bool
    scale_u_rel: float
    random_u_rel: float
    resolution_j: float | None
    ticking: Ticking
    idle: IdlePower | None
    static_power_w: float | None
    others: int | None
    spread: Spread
    source: str
    note: str

    @property
    def is_measured(self) -> bool:
        """Whether a sensor stands behind it."""
        return self.provenance == Provenance.MEASURED

    @property
    def moves(self) -> bool:
        """Whether it counted while it was looked at."""
        return self.ticking.moves > 0


class Program(Record, frozen=True, kw_only=True):
    """Another program that computed meanwhile.

    Attributes:
        cores: CPU time over wall time, so 1.0 is one core.
    """

    pid: int
    name: str
    cores: float


class Surroundings(Record, frozen=True, kw_only=True):
    """Where the doctor looked.

    Attributes:
        system: operating system and release.
        processor: its model; empty if the system does not tell.
        is_virtual: whether this is a virtual machine.
        container: what holds this process, e.g. ``docker``; empty if nothing shows.
        machine_cores: logical cores of the machine; ``None`` if not known.
        cores: that this process may use, also fractions.
        memory_limit_bytes: ``None`` if no container limits it.
        wait_policy: OMP_WAIT_POLICY as set; ``None`` if it is not.
        other_cpu_share: CPU time of other programs over what all cores could have given.
        wait_share: seconds that this process waited for a core, over its wall time.
        programs: the busiest others, as far as they can be seen from here.
    """

    system: str
    processor: str
    is_virtual: bool
    container: str
    machine_cores: int | None
    cores: float
    memory_limit_bytes: int | None
    wait_policy: str | None
    other_cpu_share: float | None
    wait_share: float | None
    programs: list[Program]


class Price(Record, frozen=True, kw_only=True):
    """What measuring costs.

    Attributes:
        reading_s: median wall time of one reading of all counters.
        reading_cpu_s: its mean CPU time.
        poll_interval_s: seconds between two readings of the poller.
        poller_cpu_share: CPU time of this process over wall time while it did nothing but poll.
    """

    reading_s: float
    reading_cpu_s: float
    poll_interval_s: float
    poller_cpu_share: float


class Diagnosis(Record, frozen=True, kw_only=True):
    """All of it; see the module's text."""

    grade: str
    verdict: str
    would_help: list[str]
    domains: list[DomainFinding]
    problems: list[Shortage]
    absences: list[Shortage]
    surroundings: Surroundings
    price: Price
    warnings: list[str]

    @property
    def is_measured(self) -> bool:
        """Whether at least one domain has a sensor."""
        return any(domain.is_measured for domain in self.domains)
