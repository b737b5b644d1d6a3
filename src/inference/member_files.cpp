#include "inference/member_files.h"

#include "base/error.h"
#include "base/files.h"
#include "run/finished_job.h"

namespace pleat {
namespace {

const char* remedy_for(const TrainedRun& run) {
  return run.name.empty() ? "run pleat train again in that run folder to repair it" : "run pleat ensemble again";
}

}  // namespace

MemberFiles read_member(const TrainedEnsemble& ensemble, const Member& member) {
  const std::filesystem::path file = member.folder / kWeightsFile;
  const char* remedy = remedy_for(ensemble.run_of(member));
  MemberFiles files{.weights = read_file(file)};
  files.sha256 = sha256(files.weights);
  const Json done = read_done(member.folder);
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
