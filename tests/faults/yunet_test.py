"""Decoding of YuNet's outputs, with small networks of the same form that detect blue squares as faces."""
import h5py
import numpy
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image
from support import runs

SIDE = 320
SQUARES = {8: 40, 16: 80, 32: 160}  # stride: side of the squares that its grid detects, in pixels


def constant(name, values):
    values = numpy.asarray(values)
    kind = TensorProto.INT64 if values.dtype == numpy.int64 else TensorProto.FLOAT
    return helper.make_tensor(name, kind, values.shape, values.ravel().tolist())


def grid(stride, score, box):
    """Nodes, constants and outputs of one stride. Scores are how blue the square around each cell's centre is, and
    `score`. Boxes are that square, or `box`."""
    square = SQUARES[stride]
    around = (square - stride) // 2
    at = f"_{stride}"
    nodes = [helper.make_node("AveragePool", ["picture"], ["mean" + at], kernel_shape=[square] * 2, strides=[stride] * 2, pads=[around] * 4)]
    constants = []

    def cells(output, blue, bias, width):
        weight = numpy.tile(numpy.array([blue, 0, 0]).reshape(1, 3, 1, 1), (width, 1, 1, 1))  # YuNet takes BGR
        constants.extend([constant(output + "_weight", weight), constant(output + "_bias", bias),
                          constant(output + "_shape", numpy.array([1, (SIDE // stride) ** 2, width], numpy.int64))])
        nodes.extend([helper.make_node("Conv", ["mean" + at, output + "_weight", output + "_bias"], [output + "_map"], kernel_shape=[1, 1]),
                      helper.make_node("Transpose", [output + "_map"], [output + "_last"], perm=[0, 2, 3, 1]),
                      helper.make_node("Reshape", [output + "_last", output + "_shape"], [output])])

    cells("cls" + at, 1 / 255, [score], 1)
    cells("obj" + at, 1 / 255, [score], 1)
    cells("bbox" + at, 0.0, box or [0.5, 0.5, *2 * [float(numpy.log(square / stride))]], 4)
    return nodes, constants, {"cls" + at: 1, "obj" + at: 1, "bbox" + at: 4}


def network(path, left_out=(), renamed=None, score=0.0, box=None):
    """Writes a network with YuNet's outputs, some omitted or renamed. `score` and `box` apply to the widest grid."""
    nodes, constants, outputs = [], [], []
    for stride in SQUARES:
        parts = grid(stride, *((score, box) if stride == 32 else (0.0, None)))
        nodes += parts[0]
        constants += parts[1]
        cells = (SIDE // stride) ** 2
        outputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, cells, width]) for name, width in parts[2].items()]
    for node in nodes:
        node.output[:] = [(renamed or {}).get(name, name) for name in node.output]
    for output in outputs:
        output.name = (renamed or {}).get(output.name, output.name)
    nodes = [node for node in nodes if node.output[0] not in left_out]
    outputs = [output for output in outputs if output.name not in left_out]
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    graph = helper.make_graph(nodes, "squares", [picture], outputs, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), path)
    return path


def photo_with(squares, width=SIDE, height=SIDE):
    """A dark photo with blue squares (left, top, side) whose colour has a gradient."""
    pixels = numpy.full((height, width, 3), 10, numpy.uint8)
    for left, top, side in squares:
        across, down = numpy.meshgrid(numpy.linspace(60, 140, side), numpy.linspace(60, 140, side))
        pixels[top: top + side, left: left + side] = numpy.stack([across, down, numpy.full((side, side), 250.0)], axis=2)
    return Image.fromarray(pixels)


def prepare(folder, detector, photo, size="32"):
    photo.save(folder / "a.png")
    (folder / "t.csv").write_text("id,path\n1,a.png\n")
    return runs.pleat("prepare", "--table", folder / "t.csv", "--images", folder, "--out", folder / "c.h5", "--crop", "face",
                      "--detector", detector, "--face-margin", 0, "--size", size)


def assert_crop_is(folder, photo, left, top, width, height):
    with h5py.File(folder / "c.h5") as file:
        (crop,) = file["images"][:].astype(float)
    part = photo.crop((left, top, left + width, top + height)).resize(crop.shape[1::-1], Image.Resampling.BOX)
    differences = numpy.abs(crop - numpy.asarray(part, float))
    assert differences.mean() < 2, f"the crop starts with {crop[0, 0]} and ends with {crop[-1, -1]}"


@pytest.fixture(scope="module")
def squares(tmp_path_factory):
    return network(tmp_path_factory.mktemp("yunet") / "squares.onnx")


@pytest.mark.parametrize("left, top, side", [(232, 56, 40), (24, 200, 40), (176, 48, 80), (64, 96, 160)])
def test_a_face_of_each_grid_is_cropped_where_it_is(squares, tmp_path, left, top, side):
    photo = photo_with([(left, top, side)])
    done = prepare(tmp_path, squares, photo)
    assert done.returncode == 0 and "no face was found" not in done.stdout, done.stdout
    assert_crop_is(tmp_path, photo, left, top, side, side)


def test_a_large_photo_is_sought_in_as_a_small_one(squares, tmp_path):
    photo = photo_with([(2 * 176, 2 * 48, 2 * 80)], 2 * SIDE, 2 * 240)
    assert prepare(tmp_path, squares, photo).returncode == 0
    assert_crop_is(tmp_path, photo, 2 * 176, 2 * 48, 2 * 80, 2 * 80)


def test_a_box_need_be_neither_square_nor_in_its_cells_middle(tmp_path):
    wide = [0.5 + 8 / 32, 0.5 - 16 / 32, float(numpy.log(160 / 32)), float(numpy.log(144 / 32))]
    photo = photo_with([(96, 64, 160)])
    done = prepare(tmp_path, network(tmp_path / "wide.onnx", box=wide), photo, size="36x40")
    assert done.returncode == 0, done.stdout
    assert_crop_is(tmp_path, photo, 96 + 8, 64 + 8 - 16, 160, 144)


def test_the_largest_of_several_faces_wins(squares, tmp_path):
    photo = photo_with([(16, 16, 40), (208, 192, 80), (240, 40, 40)])
    done = prepare(tmp_path, squares, photo)
    assert done.returncode == 0, done.stdout
    assert_crop_is(tmp_path, photo, 208, 192, 80, 80)


def test_a_dark_photo_is_counted_as_one_without_a_face(squares, tmp_path):
    done = prepare(tmp_path, squares, photo_with([]))
    assert done.returncode == 0 and "no face was found in 1 of 1 photo" in done.stdout, done.stdout


@pytest.mark.parametrize("score, box", [
    (1.0, [0.5, 0.5, float("inf"), float("inf")]),
    (1.0, [0.5, 0.5, 1e3, 1e3]),  # as logarithms
    (1.0, [0.5, 0.5, float("nan"), 1.0]),
    (1.0, [float("nan"), float("-inf"), 1.0, 1.0]),
    (float("inf"), None),
    (float("nan"), None),
])
def test_what_is_not_finite_is_no_face(tmp_path, score, box):
    photo = photo_with([(232, 56, 40)])
    done = prepare(tmp_path, network(tmp_path / "wild.onnx", score=score, box=box), photo)
    assert done.returncode == 0, done.stdout
    assert_crop_is(tmp_path, photo, 232, 56, 40, 40)


@pytest.mark.parametrize("wrong", [
    {"left_out": ["bbox_32"]},
    {"renamed": {"cls_8": "cls_16", "cls_16": "cls_8"}},  # with other numbers of cells
    {"renamed": {"bbox_16": "obj_16", "obj_16": "bbox_16"}},
    {"renamed": {name: "kps" + name for stride in SQUARES for name in (f"cls_{stride}", f"obj_{stride}")}},
], ids=["one output fewer", "grids swapped", "maps swapped", "other names"])
def test_a_network_of_another_kind_is_refused_in_one_line(tmp_path, wrong):
    done = prepare(tmp_path, network(tmp_path / "other.onnx", **wrong), photo_with([]))
    line = runs.refusal(done)
    assert "other.onnx" in line and "expected a cascade (.xml) or YuNet's network (.onnx" in line, line


def test_an_error_of_many_lines_is_told_in_one(squares, tmp_path):
    model = onnx.load(squares)
    for node in model.graph.node:
        if node.op_type == "Conv":
            node.ClearField("attribute")  # removes the kernel size, too
    onnx.save(model, tmp_path / "bad.onnx")
    line = runs.refusal(prepare(tmp_path, tmp_path / "bad.onnx", photo_with([])))
    assert "kernel_size" in line and "YuNet's network (.onnx" in line, line
