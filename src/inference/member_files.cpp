#include "inference/member_files.h"

#include "base/error.h"
#include "base/files.h"
#include "run/finished_job.h"

namespace pleat {
namespace {

const char* remedy_for(const TrainedRun& run) {
  return run.name.empty() ? "run pleat train again in that run folder to repair it" : "run pleat ensemble again";
}

// A sweep removes the weights of most networks (sweep.keep).
void require_weights(const Json& done, const TrainedRun& run, const std::filesystem::path& folder) {
  if (!done.contains("sha256") || !done["sha256"].is_object() || done["sha256"].contains(kWeightsFile)) return;
  const std::string root = run.paths.root.string();
  throw DataError(
      "{} has no weights, only scores (a sweep keeps those of its best cell, as sweep.keep says); to train them again: "
      "pleat train {} --run {}",
      folder.string(), run.paths.config().string(), root);
}

}  // namespace

MemberFiles read_member(const TrainedEnsemble& ensemble, const Member& member) {
  const std::filesystem::path file = member.folder / kWeightsFile;
  const char* remedy = remedy_for(ensemble.run_of(member));
  const Json done = read_done(member.folder);
  require_weights(done, ensemble.run_of(member), member.folder);
  MemberFiles files{.weights = read_file(file)};
  files.sha256 = sha256(files.weights);
  try {
    if (done.value("job", "") != member.job) {
      throw DataError("{} holds the result of '{}' and not of '{}'; {}", member.folder.string(), done.value("job", ""),
                      member.job, remedy);
    }
    if (files.sha256 != done.at("sha256").value(kWeightsFile, "")) {
      throw DataError("{} was changed after it was written; {}", file.string(), remedy);
    }
    files.codes = read_codes(done, ensemble.run_of(member).targets, ensemble.unit_of(member),
                             (member.folder / kDoneFile).string());
  } catch (const Json::exception& error) {  // valid JSON, but not written by pleat
    throw DataError("{} is damaged ({}); {}", (member.folder / kDoneFile).string(), error.what(), remedy);
  }
  return files;
}

}  // namespace pleat
