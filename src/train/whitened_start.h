// models[].whiten: the first convolution starts as a whitening of the job's training rows.
#pragma once

#include "data/crop_file.h"
#include "model/classifier.h"
#include "train/fold_job.h"

namespace pleat {

/// Fits the whitening on up to 400 labelled training rows, evenly strided. So it depends on no row that the job holds
/// out, and on no label. Throws: DataError, as Whitening.
void start_whitened(Classifier& classifier, const FoldJob& job, const CropFile& crops);

}  // namespace pleat
