// The sections of a report, as page_blocks. Each returns a section; one without blocks is left out of the page.
#pragma once

#include "base/json.h"
#include "report/report_data.h"

namespace pleat {

/// The scores with their intervals, the checks, and the facts of the run.
Json verdict_view(const ReportData& data);
/// Folds, models and ensemble of each target.
Json leaderboard_view(const ReportData& data);
/// Loss, learning rate and waiting time of each network by epoch.
Json curves_view(ReportData& data);
/// Confusion matrices with example photos.
Json confusion_view(ReportData& data);
/// Suspect labels, which the reader can mark.
Json suspects_view(ReportData& data);
/// Scores by class and by the values of the table's columns.
Json slices_view(const ReportData& data);
/// Reliability, and accuracy of the surest rows.
Json calibration_view(const ReportData& data);
/// Splits, photos, copies.
Json data_view(ReportData& data);
/// Scores and leak meter by round.
Json rounds_view(const ReportData& data);
/// Jobs that failed.
Json failures_view(const ReportData& data);

}  // namespace pleat
