#include "train/fold_job.h"

#include <ATen/ops/stack.h>

namespace pleat {

std::vector<torch::Tensor> split_logits(const std::vector<TargetCode>& codes, const torch::Tensor& outputs) {
  std::vector<torch::Tensor> logits;
  std::int64_t begin = 0;
  for (const TargetCode& code : codes) {
    logits.push_back(class_logits(code, outputs.narrow(1, begin, code.outputs)).contiguous());
    begin += code.outputs;
  }
  return logits;
}

std::vector<torch::Tensor> split_normals(const std::vector<TargetCode>& codes, const torch::Tensor& outputs) {
  std::vector<torch::Tensor> normals;
  std::int64_t begin = 0;
  for (const TargetCode& code : codes) {
    torch::Tensor& normal = normals.emplace_back();
    if (code.teaching == Teaching::kNumber) {
      const auto [mean, deviation] = predicted_number(code, outputs.narrow(1, begin, code.outputs));
      normal = at::stack({mean, deviation}, 1);
    }
    begin += code.outputs;
  }
  return normals;
}

std::vector<TargetCode> codes_of(const FoldJob& job) {
  std::vector<TargetCode> codes;
  for (const Head& head : job.heads) codes.push_back(head.code);
  return codes;
}

bool rounds_weights(const FoldJob& job, const torch::Device& device) {
  return device.is_cpu() && job.train.precision == "bf16" && job.train.micro_batches == 1 && !job.exact;
}

}  // namespace pleat
