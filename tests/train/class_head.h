// Makes a head trained as classes, for the jobs of tests.
#pragma once

#include <utility>
#include <vector>

#include "train/fold_job.h"

namespace pleat {

inline Head class_head(int classes, std::vector<std::int64_t> labels) {
  return {.target = "label",
          .code = {.teaching = Teaching::kClasses, .classes = classes, .outputs = classes},
          .labels = std::move(labels)};
}

}  // namespace pleat
