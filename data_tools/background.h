// A person without what is behind them.
#pragma once

#include <cstdint>
#include <span>

#include "data_tools/photo.h"
#include "data_tools/picture.h"

namespace pleat {

/// How much of each pixel of `shown`, drawn at height x width, is the person whose face that is: 0 none, 255 all.
/// GrabCut (Rother, Kolmogorov and Blake 2004) at up to 160 pixels, from a guess of head and shoulders; only what hangs
/// together with the face counts. The same for the same photo, whichever thread asks.
Picture person_of(Photo& photo, const PhotoBox& face, const PhotoBox& shown, int height, int width);

/// What is not the person turns gray (128), whose normalised value is near zero.
///   person: gray, of the crop's size; rgb: interleaved
void gray_out_background(const Picture& person, std::span<std::uint8_t> rgb);

}  // namespace pleat
