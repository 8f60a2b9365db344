"""The sections "Learning paradigms" and "Why the energy differs": sentences, and tables as cells of text.

    break-even    a table for each pretrained paradigm: equation 2 of each setup, with its interval and quality gap
    Table 3       downstream joules, frozen against trained on
    amortisation  the recommendation over the number of trainings that share a pretraining
    Table 4       each paradigm over its setups; heads together against one by one
    variance      shares of every effect

Where a study has no such paradigms there is no such table.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from markupsafe import Markup

from sweep.analysis import wording
from sweep.analysis.amortisation import Amortisation, AmortisedRow
from sweep.analysis.anova import Effect
from sweep.analysis.break_even import BreakEven, BreakEvenLine, Interval
from sweep.analysis.energy_factors import Decompositions
from sweep.analysis.factor_words import CALLED, effect_name, factor_sentences, share
from sweep.analysis.freezing import Freezing
from sweep.analysis.multitask import HeadQuality, Mean, MultiTask, ParadigmMean, SetupHeads
from sweep.analysis.paired import dimension_of_paradigm
from sweep.analysis.paradigm_words import NEVER, called, comparison, interval, is_known, paradigm_sentences
from sweep.analysis.saving import Saving, SetupSaving
from sweep.analysis.summary import Summary
from sweep.report.page import energy_data, in_csv
from sweep.report.sources import SourcesView, Table, make_table


def paradigms_view(summary: Summary) -> SourcesView | None:
    """The section on paradigms; ``None`` where there is nothing to tell."""
    found = summary.paradigms
    if found.is_empty:
        return None
    names, points = wording.varying(summary.data), wording.in_points(summary.data)
    dimension = dimension_of_paradigm(summary.data)
    own = tuple(name for name in names if name != dimension)
    tables = [_break_even(line, own, in_points=points) for line in found.break_even]
    tables += [_freezing(item, own) for item in found.freezing]
    tables += [_amortisation(found.amortisation, names, in_points=points)] if found.amortisation else []
    tables += [_means(found.means, in_points=points)] if found.means else []
    tables += _multitask(found.multitask, own, in_points=points) if found.multitask else []
    return SourcesView(paradigm_sentences(found, names, in_points=points), [table for table in tables if table.n])


def factors_view(summary: Summary) -> SourcesView | None:
    """The section on what rules the energy; ``None`` where nothing varies."""
    found = summary.factors
    if found is None:
        return None
    tables = [_shares(group) for group in found.groups if group.missing is None]
    return SourcesView(factor_sentences(found), [table for table in tables if table.n])


def _break_even(line: BreakEvenLine, names: Sequence[str], *, in_points: bool) -> Table:
    columns = (
        *names,
        "#n",
        "#E_enc",
        "#E_class",
        "#E_enc+class",
        "#break-even",
        "#interval",
        "#quality gap",
        "compared with the baseline",
    )
    rows = [
        (*_params(item.params, names), *_energies(item), *_verdict(item, in_points=in_points)) for item in line.items
    ]
    return make_table(f"Break-even of {called(line.paradigm, is_cached=line.is_cached)}, in trainings", columns, rows)


def _energies(item: BreakEven) -> tuple[str, ...]:
    joules = ("", "", "") if item.joules is None else tuple(energy_data(number) for number in item.joules)
    return (str(item.n), *joules, _trainings(item), _interval(item.interval))


def _trainings(item: BreakEven) -> str:
    told = is_known(item)
    return told if item.trainings is None else in_csv(told, repr(item.trainings))


def _interval(found: Interval | None) -> str:
    if found is None or found.low is None:
        return interval(found)
    return in_csv(interval(found), f"{found.low!r} to {NEVER if found.high is None else repr(found.high)}")


def _verdict(item: BreakEven, *, in_points: bool) -> tuple[str, str]:
    if item.quality_gap is None:
        return "", item.reason or comparison(item)
    told = wording.gain(item.quality_gap, in_points=in_points, u=item.quality_gap_u)
    exact = (repr(number) for number in (item.quality_gap, item.quality_gap_u) if number is not None)
    return in_csv(told, " ± ".join(exact)), item.reason or comparison(item)


def _freezing(found: Freezing, names: Sequence[str]) -> Table:
    title = f"Downstream joules: {called(found.frozen, is_cached=found.is_cached)} against {found.finetuned}"
    columns = (*names, "#n", f"#{found.frozen}", f"#{found.finetuned}", "#saved")
    rows = [_saved(row, names) for row in found.saving.setups]
    whole = found.saving
    rows.append((*_total(names), "", energy_data(whole.energy_j), energy_data(whole.reference_j), _share(whole)))
    return make_table(title, columns, rows)


def _saved(row: SetupSaving, names: Sequence[str]) -> tuple[str, ...]:
    joules = (energy_data(row.energy_j), energy_data(row.reference_j))
    return (*_params(row.params, names), str(row.n), *joules, _percent(row.saving_rel))


def _share(found: Saving) -> str:
    spread = "" if found.low is None or found.high is None else f" ({_percent(found.low)} to {_percent(found.high)})"
    return f"{_percent(found.saving_rel)}{spread}"


def _amortisation(found: Amortisation, names: Sequence[str], *, in_points: bool) -> Table:
    columns = ("#trainings", *names, "#stop at epoch", "#quality", "#charged")
    rows = [_recommended(row, names, in_points=in_points) for row in found.rows]
    return make_table("What is recommended where N trainings share a pretraining", columns, rows)


def _recommended(row: AmortisedRow, names: Sequence[str], *, in_points: bool) -> tuple[str, ...]:
    reuses = "∞" if math.isinf(row.reuses) else f"{row.reuses:.0f}"
    if row.point is None:
        return (reuses, *("" for _ in names), "", "", "")
    quality = wording.quality(row.point.quality, in_points=in_points)
    params = _params(row.point.setup.params, names)
    return (reuses, *params, str(row.point.epoch), quality, energy_data(row.point.energy_j))


def _means(found: Sequence[ParadigmMean], *, in_points: bool) -> Table:
    columns = ("paradigm", "#setups", "#energy per epoch", "#epochs", "#energy of a training", "#quality")
    return make_table("Paradigms, means over setups", columns, [_mean(item, in_points=in_points) for item in found])


def _mean(item: ParadigmMean, *, in_points: bool) -> tuple[str, ...]:
    return (
        item.paradigm,
        str(item.n_setups),
        _joules(item.energy_per_epoch_j),
        _spread(item.epochs, "{:.3g}"),
        _joules(item.energy_j),
        _quality(item.quality, in_points=in_points),
    )


def _multitask(found: MultiTask, names: Sequence[str], *, in_points: bool) -> Iterator[Table]:
    if found.saving is not None:
        columns = (*names, "#n", "#together", "#one by one", "#saved")
        rows = [_saved(row, names) for row in found.saving.setups]
        whole = found.saving
        joules = (energy_data(whole.energy_j), energy_data(whole.reference_j))
        rows.append((*_total(names), "", *joules, _share(whole)))
        yield make_table(f"Joules of {', '.join(found.heads)}, together and one by one", columns, rows)
    heads = [f"#{head}, {way}" for head in found.heads for way in ("alone", "together")]
    rows = [_heads(item, names, in_points=in_points) for item in found.qualities]
    yield make_table("Quality of each head, alone and together", (*names, *heads), rows)


def _heads(item: SetupHeads, names: Sequence[str], *, in_points: bool) -> tuple[str, ...]:
    def both(head: HeadQuality) -> tuple[str, str]:
        return _quality(head.single, in_points=in_points), _quality(head.multi, in_points=in_points)

    return (*_params(item.params, names), *(cell for head in item.heads for cell in both(head)))


def _shares(group: Decompositions) -> Table:
    made = {name: found for name, found in group.by_response.items() if found is not None}
    first = next(iter(made.values()), None)
    effects = [] if first is None else [effect.factors for effect in first.effects]
    rows = [
        (effect_name(Effect(factors, 0.0, None, None)), *(share(found.effects[index]) for found in made.values()))
        for index, factors in enumerate(effects)
    ]
    if first is not None and first.residual is not None:
        rows.append(("repeats", *(share(found.residual) if found.residual else "" for found in made.values())))
    of = "all trials" if group.paradigm is None else group.paradigm
    return make_table(f"Shares of the variance: {of}", ("effect", *(f"#{CALLED[name]}" for name in made)), rows)


def _params(params: dict[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(wording.value(params[name]) if name in params else "" for name in names)


def _total(names: Sequence[str]) -> tuple[str, ...]:
    """The first cells of a row of means over setups."""
    return ("mean", *("" for _ in names[1:])) if names else ()


def _percent(part: float | None) -> str:
    return wording.UNKNOWN if part is None else f"{100 * part:.0f} %"


def _joules(found: Mean | None) -> str:
    if found is None:
        return wording.UNKNOWN
    mean = energy_data(found.mean)
    return mean if found.sd is None else Markup("{} (SD {})").format(mean, energy_data(found.sd))


def _quality(found: Mean | None, *, in_points: bool) -> str:
    if found is None:
        return wording.UNKNOWN
    spread = "" if found.sd is None else f" (SD {wording.quality(found.sd, in_points=in_points)})"
    return f"{wording.quality(found.mean, in_points=in_points)}{spread}"


def _spread(found: Mean, form: str) -> str:
    spread = "" if found.sd is None else f" (SD {form.format(found.sd)})"
    return f"{form.format(found.mean)}{spread}"
