#include "data_tools/prepare/crop_maker.h"

#include <gmock/gmock.h>

#include <opencv2/imgproc.hpp>
#include <thread>

#include "base/error.h"
#include "base/files.h"
#include "data_tools/drawn_faces/face_drawing.h"
#include "data_tools/pictures.h"
#include "data_tools/prepare/background.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

using testing::HasSubstr;

Bytes plain(int height, int width) { return encode(cv::Mat(height, width, CV_8UC3, cv::Scalar(90, 90, 90)), ".png"); }

auto box_is(std::int64_t left, std::int64_t top, std::int64_t width, std::int64_t height) {
  return testing::AllOf(testing::Field(&PhotoBox::left, left), testing::Field(&PhotoBox::top, top),
                        testing::Field(&PhotoBox::width, width), testing::Field(&PhotoBox::height, height));
}

template <class Work>
std::string error_of(const Work& work) {
  try {
    work();
    return "accepted";
  } catch (const std::exception& error) {
    return error.what();
  }
}

TEST(CropBoxes, AFaceGetsItsMarginAndStaysInThePhoto) {
  const Bytes file = plain(400, 300);
  const Photo photo(file);
  EXPECT_THAT(box_around({100, 100, 50, 50}, 0.5, photo, 64, 64), box_is(75, 75, 100, 100));
  EXPECT_THAT(box_around({100, 100, 50, 50}, 0, photo, 64, 64), box_is(100, 100, 50, 50));
  EXPECT_THAT(box_around({100, 100, 50, 50}, 0.5, photo, 128, 64), box_is(75, 25, 100, 200)) << "of the crop's shape";
  EXPECT_THAT(box_around({0, 0, 50, 50}, 0.5, photo, 64, 64), box_is(0, 0, 100, 100)) << "moved into the photo";
  EXPECT_THAT(box_around({250, 350, 50, 50}, 0.5, photo, 64, 64), box_is(200, 300, 100, 100));
  EXPECT_THAT(box_around({50, 100, 200, 200}, 2, photo, 64, 64), box_is(0, 50, 300, 300)) << "the largest that fits";
}

TEST(CropBoxes, TheCenteredBoxIsTheLargestOfTheShape) {
  const Bytes file = plain(400, 300);
  const Photo photo(file);
  EXPECT_THAT(centered_box(photo, 64, 64), box_is(0, 50, 300, 300));
  EXPECT_THAT(centered_box(photo, 128, 64), box_is(50, 0, 200, 400));
}

TEST(Background, TurnsGrayByTheSharesOfAMask) {
  Picture person = new_picture(2, 1, 1);
  person.values = {255, 0};
  Bytes crop = {10, 20, 30, 40, 50, 60};
  gray_out_background(person, crop);
  EXPECT_THAT(crop, testing::ElementsAre(10, 20, 30, 128, 128, 128));
  person.values = {51, 0};
  crop[0] = 228;
  gray_out_background(person, crop);
  EXPECT_EQ(crop[0], 148) << "a fifth of the way from gray";
}

// A person of one colour before a background of another, and the person's place.
struct Portrait {
  cv::Mat photo{320, 240, CV_8UC3, cv::Scalar(60, 140, 60)}, person{320, 240, CV_8UC1, cv::Scalar(0)};
  PhotoBox face{80, 70, 80, 80};

  Portrait() {
    for (cv::Mat* picture : {&photo, &person}) {
      const cv::Scalar color = picture == &photo ? cv::Scalar(90, 120, 200) : cv::Scalar(255);
      cv::ellipse(*picture, {120, 105}, {48, 62}, 0, 0, 360, color, cv::FILLED);
      cv::rectangle(*picture, {60, 165}, {180, 319}, color, cv::FILLED);
      cv::rectangle(*picture, {100, 150}, {140, 170}, color, cv::FILLED);
    }
    cv::Mat noise(photo.size(), CV_8UC3);
    cv::RNG(7).fill(noise, cv::RNG::UNIFORM, 0, 25);
    photo += noise;
  }
};

TEST(Background, GrabCutFindsThePersonAroundTheFace) {
  const Portrait portrait;
  const Bytes file = encode(portrait.photo, ".png");
  Photo photo(file);
  const Picture found = person_of(photo, portrait.face, photo.whole(), 320, 240);
  int right = 0;
  for (int y = 0; y < 320; ++y) {
    for (int x = 0; x < 240; ++x)
      right += (found.values[std::size_t(y * 240 + x)] > 127) == (portrait.person.at<std::uint8_t>(y, x) > 127);
  }
  EXPECT_GT(right, 320 * 240 * 95 / 100);
}

TEST(Background, IsTheSameWhateverTheThreadDidBefore) {
  const Portrait portrait;
  const Bytes file = encode(portrait.photo, ".png");
  std::vector<Picture> found(3);
  for (std::size_t i = 0; i < found.size(); ++i) {
    std::jthread([&, i] {
      cv::theRNG().state = 17 + i;
      Photo photo(file);
      found[i] = person_of(photo, portrait.face, {40, 40, 160, 160}, 64, 64);
    }).join();
  }
  EXPECT_EQ(found[0].values, found[1].values);
  EXPECT_EQ(found[0].values, found[2].values);
}

TEST(Background, AFaceThatFillsThePhotoIsKeptWhole) {
  const Bytes file = plain(40, 40);
  Photo photo(file);
  const Picture person = person_of(photo, {0, 0, 40, 40}, photo.whole(), 8, 8);
  EXPECT_THAT(person.values, testing::Each(255));
}

class Masks : public testing::Test {
 protected:
  std::string crop(const Bytes& mask) {
    write_file(folder / "a.png", std::string(mask.begin(), mask.end()));
    return error_of([&] {
      CropMaker({.height = 2, .width = 2, .remove_background = true, .masks = folder.path()})
          .make(photo, "a.jpg", pixels);
    });
  }

  ScratchFolder folder;
  Bytes photo = encode(cv::Mat(4, 4, CV_8UC3, cv::Scalar(30, 20, 10)), ".png"), pixels = Bytes(12);
};

TEST_F(Masks, HideWhatIsBlack) {
  cv::Mat mask(4, 4, CV_8UC1, cv::Scalar(0));
  mask.colRange(0, 2) = 255;
  EXPECT_EQ(crop(encode(mask, ".png")), "accepted");
  EXPECT_THAT(pixels, testing::ElementsAre(10, 20, 30, 128, 128, 128, 10, 20, 30, 128, 128, 128));
}

TEST_F(Masks, ThatCannotBeMeantSoAreNamed) {
  EXPECT_THAT(crop(encode(cv::Mat(4, 5, CV_8UC1, cv::Scalar(0)), ".png")),
              testing::AllOf(HasSubstr("a.png"), HasSubstr("5x4"), HasSubstr("4x4"), HasSubstr("expected the same")));
  EXPECT_THAT(crop({}), testing::AllOf(HasSubstr("its mask"), HasSubstr("empty file")));
  const auto filled = [](const cv::Scalar& color, int type) { return encode(cv::Mat(4, 4, type, color), ".png"); };
  EXPECT_THAT(crop(filled({1}, CV_8UC1)), testing::AllOf(HasSubstr("brightest value is 1"), HasSubstr("scale it")));
  EXPECT_THAT(crop(filled({255, 255, 0}, CV_8UC3)), HasSubstr("has colours"));
  EXPECT_THAT(crop(filled({255, 255, 255, 0}, CV_8UC4)), HasSubstr("has alpha"));
  EXPECT_EQ(crop(filled({200, 200, 200}, CV_8UC3)), "accepted") << "gray in three channels";
  const CropMaker maker({.height = 2, .width = 2, .remove_background = true, .masks = folder.path()});
  EXPECT_THAT(error_of([&] { maker.make(photo, "sub/b.jpg", pixels); }),
              testing::AllOf(HasSubstr("sub/b.png"), HasSubstr("no such file")));
}

TEST(CropOptions, ComeBackFromWhatACropsFileSays) {
  for (const CropMode crop : {CropMode::kNone, CropMode::kCenter, CropMode::kFace}) {
    for (const bool remove : {false, true}) {
      const CropMaker maker(
          {.height = 48, .width = 32, .crop = crop, .face_margin = 0.25, .remove_background = remove});
      const CropOptions again = crop_options_of(maker.provenance(), {}, {});
      EXPECT_EQ(CropMaker(again).provenance(), maker.provenance());
    }
  }
  const CropMaker masked({.remove_background = true, .masks = "/masks"});
  EXPECT_THAT(error_of([&] { crop_options_of(masked.provenance(), {}, {}); }), HasSubstr("--masks"));
  EXPECT_EQ(crop_options_of(masked.provenance(), {}, "/other").masks, "/other");
  EXPECT_THAT(error_of([&] { crop_options_of(CropMaker({}).provenance(), {}, "/other"); }), HasSubstr("drop --masks"));
  EXPECT_THAT(error_of([&] { crop_options_of(CropMaker({}).provenance(), "a.xml", {}); }),
              HasSubstr("drop --detector"));
  Provenance other = CropMaker({.crop = CropMode::kFace}).provenance();
  other["detector"] = "another.xml 0123456789abcdef";
  EXPECT_THAT(error_of([&] { crop_options_of(other, {}, {}); }),
              testing::AllOf(HasSubstr("another.xml"), HasSubstr("give the first with --detector")));
  EXPECT_THAT(error_of([] { crop_options_of({{"source", "idx"}}, {}, {}); }), HasSubstr("not from photos"));
  EXPECT_THAT(error_of([] {
                crop_options_of({{"source", "photos"}, {"size", "x"}, {"crop", "none"}}, {}, {});
              }),
              HasSubstr("does not know"));
}

TEST(FaceFinder, SaysWhatIsNoDetector) {
  const ScratchFolder folder;
  EXPECT_THAT(error_of([&] { make_face_finder(folder / "none.xml"); }), HasSubstr("none.xml"));
  for (const char* name : {"text.xml", "text.onnx"}) {
    write_file(folder / name, "not a detector at all");
    EXPECT_THAT(error_of([&] { make_face_finder(folder / name); }),
                testing::AllOf(HasSubstr(name), HasSubstr("expected a cascade")));
  }
}

}  // namespace
}  // namespace pleat
