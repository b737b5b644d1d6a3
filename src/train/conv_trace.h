// Lists the convolutions in a job's network.
#pragma once

#include <set>

#include "data/crop_file.h"
#include "kernels/conv_shape.h"
#include "train/fold_job.h"

namespace pleat {

/// Shapes of the convolutions in one forward pass, for each image size that the job trains on.
/// Runs a new network on two images on the CPU. Reseeds torch's generator; every job reseeds it before drawing.
std::set<ConvShape> convolutions_of(const FoldJob& job, const ImageShape& shape);

}  // namespace pleat
