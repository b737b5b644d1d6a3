// Maps c10d's tensor types and operations to MPI's. Throws ClusterError for those that MPI does not have.
#pragma once

#include <mpi.h>

#include <torch/csrc/distributed/c10d/Types.hpp>
#include <vector>

#include "base/error.h"

namespace pleat {

inline MPI_Datatype type_of(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return MPI_FLOAT;
    case at::kDouble:
      return MPI_DOUBLE;
    case at::kLong:
      return MPI_INT64_T;
    case at::kInt:
      return MPI_INT32_T;
    case at::kByte:
      return MPI_UINT8_T;
    default:
      throw ClusterError("MPI cannot reduce tensors of type {}", c10::toString(tensor.scalar_type()));
  }
}

inline MPI_Op op_of(c10d::ReduceOp::RedOpType op) {
  switch (op) {
    case c10d::ReduceOp::SUM:
    case c10d::ReduceOp::AVG:
      return MPI_SUM;
    case c10d::ReduceOp::MAX:
      return MPI_MAX;
    case c10d::ReduceOp::MIN:
      return MPI_MIN;
    default:
      throw ClusterError("MPI all-reduce supports sum, average, maximum and minimum, but not operation {}", int(op));
  }
}

}  // namespace pleat
