#include "train/epoch_report.h"

namespace pleat {

Json to_json(const EpochReport& report) {
  Json json{{"epoch", report.epoch},   {"loss", report.loss},       {"lr", report.lr},
            {"images", report.images}, {"seconds", report.seconds}, {"waited_seconds", report.waited_seconds}};
  if (report.inner_score) json["inner_score"] = *report.inner_score;
  return json;
}

EpochReport epoch_report_from_json(const Json& json) {
  EpochReport report{json.at("epoch"),  json.at("loss"),    json.at("lr"),
                     json.at("images"), json.at("seconds"), json.at("waited_seconds")};
  if (json.contains("inner_score")) report.inner_score = json["inner_score"].get<double>();
  return report;
}

}  // namespace pleat
