// The work on one job: training on a slot, and keeping the result on rank 0.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cluster/slot.h"
#include "run/finished_job.h"
#include "run/run_setup.h"

namespace pleat {

/// A job that was handed out.
struct HandedOut {
  int job = 0;                  // its number
  JobSource* source = nullptr;  // the leader's; null on the other shards
  std::string name;             // in messages
};

/// Collective over the slot. Trains the job with this process's threads, from its newest checkpoint in the run's
/// folder. Returns the bytes of a FinishedJob on the leader, nothing on the other shards. Throws: as train_fold, with
/// the job's name in an error of one shard alone.
std::string train_job(const Run& run, const PlannedJob& job, const Slot& slot, const HandedOut& handed_out);

/// Scores a result and writes it to the run's folder. Returns what it is in words: "macro_f1 0.9120 on its held-out
/// rows", or of several heads "macro_f1 mask 0.9120, age 0.5310 on its held-out rows"; of a trunk "2 folds continue
/// from epoch 4". Throws: SomeFailed if the result cannot be scored, which is the job's own failure; DataError naming
/// the job if it cannot be written.
std::string keep_result(const Run& run, const PlannedJob& job, const FinishedJob& finished, Owner owner = Owner::kRun);

/// "host node1 (rank 4)": the slot's leader.
std::string leader_text(const RankLayout& layout, const std::vector<std::string>& hosts, int slot);

/// Removes the bars, and logs every rank's job after SIGTERM. A lost rank cannot report its job, and rank 0 cannot know
/// which rank was lost.
///   name_of, place_of: of a job of the queue
void report_running(const std::vector<JobQueue::Running>& running, const RankLayout& layout,
                    const std::vector<std::string>& hosts, const std::string& command,
                    const std::function<std::string(int job)>& name_of,
                    const std::function<std::string(int job)>& place_of);

}  // namespace pleat
