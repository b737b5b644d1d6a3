// Removes the background behind a person.
#pragma once

#include <cstdint>
#include <span>

#include "data_tools/photos/photo.h"
#include "data_tools/photos/picture.h"

namespace pleat {

/// Returns the share of each pixel of `shown`, drawn at height x width, that the face's person covers: 0 none, 255 all.
/// Runs GrabCut at up to 160 pixels, from a guess of head and shoulders. Only areas connected to the face count.
/// Reproducible: the result does not depend on the thread.
/// Source: Rother, Kolmogorov and Blake 2004.
Picture person_of(Photo& photo, const PhotoBox& face, const PhotoBox& shown, int height, int width);

/// Turns the background gray (128), whose normalised value is near zero.
///   person: gray, of the crop's size; rgb: interleaved
void gray_out_background(const Picture& person, std::span<std::uint8_t> rgb);

}  // namespace pleat
