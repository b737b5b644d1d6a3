#include "parity_probe.h"

#include <cstdio>
#include <exception>
#include <map>

#include "base/log.h"

int main(int count, char** values) {
  const std::map<std::string, void (*)(const pleat::Arguments&)> subcommands = {
      {"folds", pleat::probe_folds},   {"metrics", pleat::probe_metrics},     {"init", pleat::probe_init},
      {"logits", pleat::probe_logits}, {"gradients", pleat::probe_gradients}, {"optimize", pleat::probe_optimize},
      {"pixels", pleat::probe_pixels}, {"ensemble", pleat::probe_ensemble},
  };
  const auto found = count < 2 ? subcommands.end() : subcommands.find(values[1]);
  if (found == subcommands.end()) {
    std::fputs("parity_probe: no such subcommand; see parity_probe.h\n", stderr);
    return 2;
  }
  pleat::start_log(-1);  // warnings to standard error: standard output is the answer
  try {
    found->second({values + 2, values + count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "parity_probe %s: %s\n", values[1], error.what());
    return 1;
  }
  return 0;
}
