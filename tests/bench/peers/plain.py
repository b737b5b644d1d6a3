"""The usual first version: a Dataset that opens each JPEG, torchvision's transforms, a DataLoader with workers, fp32,
one fold after another.
"""
import common
import recipe
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2


class PhotoDataset(Dataset):
    """Photos and labels by row of the plan."""

    def __init__(self, photos, transform, rows=None):
        self.photos, self.transform = photos, transform
        self.rows = range(len(photos.paths)) if rows is None else rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        row = int(self.rows[index])
        return self.transform(Image.open(self.photos.paths[row]).convert("RGB")), self.photos.labels[row]


def to_crop(size):
    """The largest centred square, at `size`."""
    return [v2.Resize(size), v2.CenterCrop(size)]


def to_floats():
    return [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]


def measure_pixels(photos, options):
    """Mean and standard deviation per channel over all photos, 0 to 1."""
    dataset = PhotoDataset(photos, v2.Compose(to_crop(options.size) + to_floats()))
    total, squares = torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    for images, _ in DataLoader(dataset, common.PREDICT_BATCH, num_workers=options.workers):
        total += images.double().mean((2, 3)).sum(0)
        squares += images.double().square().mean((2, 3)).sum(0)
    mean = total / len(dataset)
    return mean.tolist(), (squares / len(dataset) - mean.square()).sqrt().tolist()


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--workers", type=int, default=2, help="processes that decode and transform")
    options = parser.parse_args()
    watch = common.Watch(options.launched)
    torch.set_num_threads(options.threads)
    with watch("preparation"):
        photos = common.read_photos(options)
        normalize = v2.Normalize(*measure_pixels(photos, options))
    for_training = v2.Compose([*to_crop(options.size), v2.RandomHorizontalFlip(), v2.RandomCrop(options.size, padding=options.pad),
                               *to_floats(), normalize])
    for_prediction = v2.Compose([*to_crop(options.size), *to_floats(), normalize])

    def batches_of(rows, training):
        if not training:
            return DataLoader(PhotoDataset(photos, for_prediction, rows), common.PREDICT_BATCH, num_workers=options.workers)
        order = recipe.EvenBatches(torch.arange(len(rows)), options.batch, options.seed)
        return DataLoader(PhotoDataset(photos, for_training, rows), batch_sampler=order, num_workers=options.workers, persistent_workers=True)

    result = common.cross_validate(photos, options, watch, batches_of, lambda steps: recipe.Trainer(options, len(photos.classes), steps))
    common.write({"peer": "plain", "precision": "fp32", **result}, options.out)


if __name__ == "__main__":
    main()
