#include "data_tools/drawn_faces/face_drawing.h"

#include <array>

#include "data_tools/drawn_faces/draws.h"
#include "data_tools/drawn_faces/photo_scene.h"
#include "data_tools/photos/encode.h"

namespace pleat {
namespace {

constexpr double kElsewhere = 0.25;  // probability that a photo has its own place, not the person's usual one

// Each part of a photo has its own random stream, so that changing one part does not redraw all.
enum class Part : std::uint32_t {
  kTraits = 1,
  kPlace,
  kMaskKinds,
  kPose,
  kExpression,
  kMask,
  kBackground,
  kHair,
  kSkin,
  kCamera
};

RandomStream numbers(const DrawnPerson& person, Part part, int photo) {
  return RandomStream({.seed = person.seed,
                       .purpose = Purpose::kFaces,
                       .step = static_cast<std::uint32_t>(photo),
                       .part = static_cast<std::uint32_t>(part),
                       .sample = person.number});
}

constexpr int kAllPhotos = 1000;  // for traits that all photos of a person share

Place place_of(const DrawnPerson& person, int photo) {
  RandomStream own = numbers(person, Part::kPlace, photo);
  RandomStream common = numbers(person, Part::kPlace, kAllPhotos);
  return chance(own, kElsewhere) ? draw_place(own) : draw_place(common);
}

MaskLook mask_of(const DrawnPerson& person, int photo) {
  RandomStream order = numbers(person, Part::kMaskKinds, kAllPhotos);
  std::vector<MaskKind> kinds = {MaskKind::kSurgical, MaskKind::kFoldFlat, MaskKind::kCloth, MaskKind::kCup,
                                 MaskKind::kSmooth};
  shuffle(kinds, order);
  RandomStream random = numbers(person, Part::kMask, photo);
  if (photo < kMaskedPhotos) return draw_mask_look(kinds[static_cast<std::size_t>(photo)], MaskFit::kRight, random);
  const MaskFit fit = chance(random, 0.62) ? MaskFit::kBelowNose : MaskFit::kAtChin;
  return draw_mask_look(kinds[random.below(kMaskKinds)], fit, random);
}

// Draws from back to front. Stubble, lines and hair are the same in all photos of a person.
void draw_portrait(Canvas& canvas, const FaceTraits& traits, const DrawnPerson& person, int photo) {
  RandomStream hair = numbers(person, Part::kHair, kAllPhotos), skin = numbers(person, Part::kSkin, kAllPhotos);
  RandomStream expression = numbers(person, Part::kExpression, photo);
  draw_back_hair(canvas, traits, hair);
  draw_body(canvas, traits);
  draw_head(canvas, traits);
  draw_features(canvas, traits, draw_expression(expression));
  draw_skin(canvas, traits, skin);
  if (photo != kBarePhoto) draw_mask(canvas, traits, mask_of(person, photo));
  draw_front_hair(canvas, traits, hair);
  draw_glasses(canvas, traits);
}

}  // namespace

std::vector<std::uint8_t> draw_face(const DrawnPerson& person, int photo) {
  RandomStream looks = numbers(person, Part::kTraits, kAllPhotos), stance = numbers(person, Part::kPose, photo);
  RandomStream background = numbers(person, Part::kBackground, photo), camera = numbers(person, Part::kCamera, photo);
  const FaceTraits traits = draw_traits(person.gender, person.age, looks);
  const Place place = place_of(person, photo);
  const Pose pose = draw_pose(stance);
  cv::Mat image(kPhotoHeight, kPhotoWidth, CV_8UC3);
  draw_background(image, place, background);
  Canvas canvas(image, pose);
  draw_portrait(canvas, traits, person, photo);
  expose(image, pose, place, camera);
  return encode_jpeg(image, 55 + static_cast<int>(camera.below(40)));
}

}  // namespace pleat
