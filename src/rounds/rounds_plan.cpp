#include "rounds/rounds_plan.h"

#include "rounds/judges.h"

namespace pleat {

RoundsPlan plan_rounds(const Run& run, const MpiSession& session) {
  RoundsPlan plan{.first = plan_first_round(run, session)};
  together(session.ranks(), [&] {
    plan.label_rows = choose_label_rows(run.config, *run.dataset);
    plan.judges = plan_judges(run, plan.first.labels);
    plan.schedule = make_schedule(plan.first.jobs, run.config, *run.dataset, plan.judges);
  });
  return plan;
}

}  // namespace pleat
