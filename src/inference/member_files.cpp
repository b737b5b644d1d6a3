#include "inference/member_files.h"

#include "base/error.h"
#include "base/files.h"
#include "run/finished_job.h"

namespace pleat {

MemberFiles read_member(const TrainedEnsemble& ensemble, const Member& member) {
  const std::filesystem::path file = member.folder / kWeightsFile;
  MemberFiles files{.weights = read_file(file)};
  files.sha256 = sha256(files.weights);
  const Json done = read_done(member.folder);
  try {
    if (done.value("job", "") != member.job) {
      throw DataError(
          "{} holds the result of '{}' and not of '{}'; run pleat train again in that run folder to repair it",
          member.folder.string(), done.value("job", ""), member.job);
    }
    if (files.sha256 != done.at("sha256").value(kWeightsFile, "")) {
      throw DataError("{} was changed after it was written; run pleat train again in that run folder to repair it",
                      file.string());
    }
    files.codes = read_codes(done, ensemble.run_of(member).targets, ensemble.unit_of(member),
                             (member.folder / kDoneFile).string());
  } catch (const Json::exception& error) {  // valid JSON, but not written by pleat
    throw DataError("{} is damaged ({}); run pleat train again in that run folder to repair it",
                    (member.folder / kDoneFile).string(), error.what());
  }
  return files;
}

}  // namespace pleat
