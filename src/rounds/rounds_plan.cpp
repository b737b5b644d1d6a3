#include "rounds/rounds_plan.h"

#include "rounds/judges.h"
#include "rounds/trunks.h"

namespace pleat {

RoundsPlan plan_rounds(const Run& run, const MpiSession& session) {
  RoundsPlan plan{.first = plan_first_round(run, session)};
  together(session.ranks(), [&] {
    plan.label_rows = choose_label_rows(run.config, *run.dataset);
    plan.judges = plan_judges(run, plan.first.labels);
    plan.trunks = plan_trunk_jobs(run, plan.first);
    plan.schedule = make_schedule({plan.first.jobs, plan.judges, plan.trunks}, run.config, *run.dataset);
  });
  return plan;
}

}  // namespace pleat
