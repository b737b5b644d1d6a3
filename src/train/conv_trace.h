// Which convolutions a job's network does.
#pragma once

#include <set>

#include "data/crop_file.h"
#include "model/conv_shape.h"
#include "train/fold_job.h"

namespace pleat {

/// By a forward pass of a fresh network on two images of each size that the job trains on. CPU. Reseeds torch's
/// generator, as every job does before it draws.
std::set<ConvShape> convolutions_of(const FoldJob& job, const ImageShape& shape);

}  // namespace pleat
