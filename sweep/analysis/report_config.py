"""The options by which a study's report was asked for."""

from sweep.config import ReportConfig
from sweep.records import StudyData
from sweep.typed import freeze


def report_config(data: StudyData) -> ReportConfig:
    """The options of a study's report; the default ones in studies of before there were any."""
    return freeze(ReportConfig, data.study.config.get("report", {}), "report")
