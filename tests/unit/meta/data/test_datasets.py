"""Data sets: Omniglot in every form a user has it in, and glyphs."""

import functools
import hashlib
import http.server
import struct
import threading
import zipfile
import zlib

import matplotlib.image
import numpy as np
import pooch
import pytest
from PIL import Image

from meta.data import glyphs, omniglot
from meta.data.datasets import load_dataset
from meta.data.glyphs import render_glyphs
from meta.data.tasks import sample_task
from roa_circuit.basics.errors import InputError

SIZES = {"train": 3, "validation": 1, "test": 2}


@pytest.fixture
def small(monkeypatch):
    """Omniglot of six characters, so that the archives are quick to make."""
    monkeypatch.setattr(omniglot, "OMNIGLOT_CLASSES", SIZES)
    rng = np.random.default_rng(0)
    return (rng.random((6, 20, 105, 105)) < 0.1).astype(np.uint8)


@pytest.fixture
def archives(small, tmp_path):
    """The two official archives with those characters: white paper, black ink, as PNG."""
    folder = tmp_path / "archives"
    folder.mkdir()
    for name, indices in (("images_background", range(4)), ("images_evaluation", range(4, 6))):
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            for index in indices:
                for number, drawing in enumerate(small[index]):
                    path = tmp_path / "drawing.png"
                    matplotlib.image.imsave(path, 1 - drawing, cmap="gray", vmin=0, vmax=1)
                    inside = f"{name}/Alphabet/character{index + 1:02d}/{index:04d}_{number:02d}.png"
                    archive.write(path, inside)
    return folder


def packed(path, drawings):
    bits = np.packbits(drawings.reshape(*drawings.shape[:2], -1), axis=-1)
    np.savez(path, packed=bits, names=np.array([f"Alphabet/character{i + 1:02d}" for i in range(6)]))
    return path


@pytest.mark.long
def test_all_local_forms_give_the_same_pixels(small, archives, tmp_path):
    from_npz = load_dataset("omniglot", packed(tmp_path / "omniglot.npz", small))
    from_zips = load_dataset("omniglot", archives)
    for name in ("images_background", "images_evaluation"):
        zipfile.ZipFile(archives / f"{name}.zip").extractall(tmp_path / "unpacked")
    from_folders = load_dataset("omniglot", tmp_path / "unpacked")
    assert from_npz.images.shape == (6, 20, 28, 28)
    assert (from_npz.images == from_zips.images).all()
    assert (from_npz.images == from_folders.images).all()
    assert {k: len(v) for k, v in from_npz.classes.items()} == SIZES
    assert sorted(np.concatenate(list(from_npz.classes.values()))) == list(range(6))


def test_shrinking_keeps_the_ink(small, tmp_path):
    images = load_dataset("omniglot", packed(tmp_path / "omniglot.npz", small)).images
    assert images.mean() / 255 == pytest.approx(small.mean(), rel=1e-2)


@pytest.mark.long
def test_download_checks_its_archives(archives, tmp_path, monkeypatch):
    handler = functools.partial(_QuietHandler, directory=str(archives))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(omniglot, "OMNIGLOT_URL", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache" / name)
    right = {f.name: hashlib.md5(f.read_bytes()).hexdigest() for f in archives.glob("*.zip")}
    try:
        with pytest.raises(InputError, match=r"could not be downloaded.*--data"):
            load_dataset("omniglot")
        monkeypatch.setattr(omniglot, "OMNIGLOT_ARCHIVES", right)
        assert len(load_dataset("omniglot").images) == 6
        assert {path.name for path in (tmp_path / "cache").rglob("*.*")} == set(right)
        monkeypatch.setattr(omniglot, "OMNIGLOT_URL", "http://127.0.0.1:1/")  # nobody is asked again
        assert len(load_dataset("omniglot").images) == 6
    finally:
        server.shutdown()
        server.server_close()


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.mark.usefixtures("small")
def test_unusable_copies_are_named(tmp_path):
    (tmp_path / "empty.npz").write_bytes(b"")
    for path in (tmp_path / "none", tmp_path / "empty.npz", tmp_path):
        with pytest.raises(InputError, match=r"\w"):
            load_dataset("omniglot", path)
    with pytest.raises(InputError, match="for pictures of your own add --dataset folder"):
        load_dataset("omniglot", tmp_path)
    with pytest.raises(InputError, match="did you mean 'omniglot'"):
        load_dataset("omniglott")


@pytest.mark.long
def test_glyphs_are_drawn_once_and_kept_for_the_next_run(monkeypatch, tmp_path):
    drawn = []

    def few(face):
        drawn.append(face)
        return list("ABCDEFGH")

    monkeypatch.setattr(glyphs, "_distinct_letters", few)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path)
    render = render_glyphs.__wrapped__
    first, second = render(), render()
    (kept,) = tmp_path.iterdir()
    assert len(drawn) == 1
    assert np.array_equal(first.images, second.images)
    kept.write_bytes(b"not an archive")
    assert np.array_equal(render().images, first.images)
    assert len(drawn) == 2
    monkeypatch.setattr(pooch, "os_cache", lambda project: kept)  # no folder, cannot be written
    assert np.array_equal(render().images, first.images)


def test_glyphs_have_many_classes_that_look_unlike():
    all_of_them = render_glyphs()
    assert len(all_of_them.images) > 500
    assert all_of_them.images.shape[1:] == (20, 28, 28)
    assert all_of_them.images.max() > 200
    assert (all_of_them.images.max(axis=(2, 3)) > 100).all()
    assert sum(len(c) for c in all_of_them.classes.values()) == len(all_of_them.images)
    assert not set(all_of_them.classes["train"]) & set(all_of_them.classes["test"])


def save_pictures(folder, count, shape, seed=0):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for number in range(count):
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(folder / f"{number}.png")


def test_a_folder_of_classes_is_split_once(tmp_path):
    for index in range(10):
        save_pictures(tmp_path / f"class{index}", 3 + index % 2, (28, 28), index)
    dataset = load_dataset("folder", tmp_path)
    assert dataset.images.shape == (10, 3, 28, 28)
    assert {name: len(found) for name, found in dataset.classes.items()} == {
        "train": 6, "validation": 2, "test": 2
    }  # fmt: skip
    assert (load_dataset("folder", tmp_path).images == dataset.images).all()


def test_small_pictures_that_are_made_larger_and_empty_classes_are_told(tmp_path):
    for name, side in (("a", 32), ("b", 48), ("c", 40)):
        save_pictures(tmp_path / name, 2, (side, side, 3))
    for name in ("d", "e", "f", "g"):
        (tmp_path / name).mkdir()
    (tmp_path / ".thumbnails").mkdir()
    dataset = load_dataset("folder", tmp_path)
    assert dataset.images.shape[2:] == (84, 84, 3)
    empty, scaled = dataset.remarks
    names = ", ".join(str(tmp_path / name) for name in "def")
    assert empty == f"{names} and 1 more: no pictures there, and so no class"
    assert "pictures of 32 x 32 to 48 x 48 pixels are scaled to 84 x 84" in scaled
    assert "mogrify -resize 32x32!" in scaled
    save_pictures(tmp_path / "h", 2, (90, 90, 3))
    assert len(load_dataset("folder", tmp_path).remarks) == 1


def test_a_folder_keeps_its_own_split_and_colours(tmp_path):
    for index, split in enumerate(("train", "validation", "test")):
        save_pictures(tmp_path / split / "a", 2, (30, 40, 3), index)
    dataset = load_dataset("folder", tmp_path)
    assert dataset.images.shape == (3, 2, 84, 84, 3)
    assert (dataset.channels, dataset.size, dataset.turns) == (3, 84, False)
    task = sample_task(
        np.concatenate([dataset.split("train"), dataset.split("test")]),
        np.random.default_rng(0), ways=2, shots=1, queries=1,
    )  # fmt: skip
    assert task.support.shape == (2, 3, 84, 84)


def test_a_grey_picture_among_coloured_ones_does_not_turn_them_grey(tmp_path):
    """The first file alone decided."""
    for index, split in enumerate(("train", "validation", "test")):
        save_pictures(tmp_path / split / "a", 2, (32, 32, 3), index)
    first = tmp_path / "train" / "a" / "0.png"
    Image.open(first).convert("L").save(first)
    dataset = load_dataset("folder", tmp_path)
    assert (dataset.images.shape, dataset.turns) == ((3, 2, 32, 32, 3), False)


def test_pictures_of_test_classes_that_were_trained_on_are_said(tmp_path):
    for index, split in enumerate(("train", "validation", "test")):
        save_pictures(tmp_path / split / "a", 2, (32, 32, 3), index)
    assert load_dataset("folder", tmp_path).remarks == ()
    save_pictures(tmp_path / "test" / "{b}", 2, (32, 32, 3), 0)
    (told,) = load_dataset("folder", tmp_path).remarks
    assert "1 of the test classes, {b} first, have pictures that train or validation have" in told


def pictures(folder, images, suffix="png"):
    """Three classes of the same two pictures, as files of this kind."""
    for index in range(3):
        (folder / f"class{index}").mkdir(parents=True)
        for number, image in enumerate(images):
            image.save(folder / f"class{index}" / f"{number}.{suffix}")
    return load_dataset("folder", folder)


INK = np.zeros((28, 28), dtype=np.uint8)
INK[10:18, 10:18] = 255


def test_transparent_pictures_lie_on_white_paper(tmp_path):
    """Black ink on nothing was read as black on black."""
    black = Image.fromarray(np.zeros_like(INK))
    grey = Image.merge("LA", [black, Image.fromarray(INK)])
    dataset = pictures(tmp_path / "grey", [grey, grey])
    assert (dataset.images == 255 - INK).all()
    colour = Image.merge("RGBA", [black, black, black, Image.fromarray(INK)])
    dataset = pictures(tmp_path / "colour", [colour, colour])
    assert (dataset.images == (255 - INK)[..., None]).all()


def test_pictures_that_no_episode_can_use_are_told(tmp_path):
    for index, count in enumerate((2, 5, 3)):
        save_pictures(tmp_path / f"class{index}", count, (32, 32, 3), index)
    dataset = load_dataset("folder", tmp_path)
    assert dataset.images.shape[:2] == (3, 2)
    (remark,) = dataset.remarks
    assert remark.startswith(f"{tmp_path}: 4 pictures unused; each class gives 2")
    assert "the smallest, class0 of " in remark


def test_pictures_that_use_little_of_their_range_are_told(tmp_path):
    """12 bits that a camera saves in 16 came in as nearly black, and the write had no pulse."""
    for folder, most in (("low", 4080), ("full", 65535)):
        image = Image.fromarray((INK.astype(np.int64) * most // 255).astype("uint16"))
        remarks = pictures(tmp_path / folder, [image, image]).remarks
        assert any("the largest pixel is 5.9 % of what" in one for one in remarks) is (folder == "low")


def test_dark_ink_on_light_paper_is_told_with_the_way_out(tmp_path):
    light, dark = Image.fromarray(INK), Image.fromarray(255 - INK)
    assert "dark drawings" not in " ".join(pictures(tmp_path / "light", [light, light]).remarks)
    (remark, _) = pictures(tmp_path / "dark", [dark, dark]).remarks
    assert "dark drawings on light paper" in remark
    assert "mogrify -negate" in remark


@pytest.mark.parametrize("suffix", ["tif", "tiff", "pgm"])
@pytest.mark.parametrize("bits", [8, 16])
def test_tiff_and_pgm_are_pictures_of_8_or_16_bits(tmp_path, suffix, bits):
    values = np.arange(784, dtype=np.int64).reshape(28, 28) % 256
    image = Image.fromarray((values * (257 if bits == 16 else 1)).astype(f"uint{bits}"))
    assert (pictures(tmp_path, [image, image], suffix).images == values).all()


def test_pictures_of_real_numbers_are_refused(tmp_path):
    image = Image.fromarray(np.linspace(0, 1, 784, dtype=np.float32).reshape(28, 28))
    with pytest.raises(InputError, match=r"0\.tiff: pixels are real numbers"):
        pictures(tmp_path / "all", [image, image], "tiff")
    with pytest.raises(InputError, match=r"1\.tiff: pixels are real numbers"):
        pictures(tmp_path / "one", [Image.fromarray(INK), image], "tiff")


@pytest.mark.parametrize(
    ("side", "says"),
    [
        (30_000, r"Image size \(900000000 pixels\)"),
        (10_000, "10000 x 10000 pixels are more than 64,000"),
    ],
)
def test_a_picture_of_hundreds_of_megapixels_is_refused_by_its_head(tmp_path, side, says):
    """It was unpacked first, into gigabytes; its head says enough."""
    size = struct.pack(">II", side, side)
    parts = (b"IHDR" + size + bytes([8, 0, 0, 0, 0]), b"IDAT" + zlib.compress(bytes(9)))
    chunks = [struct.pack(">I", len(p) - 4) + p + struct.pack(">I", zlib.crc32(p)) for p in parts]
    for number in range(6):
        folder = tmp_path / f"class{number % 3}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    with pytest.raises(InputError, match=rf"\d\.png: .*{says}"):
        load_dataset("folder", tmp_path)


@pytest.mark.parametrize(
    ("shapes", "size"),
    [([(32, 32, 3)] * 3, 32), ([(32, 32, 3), (32, 32, 3), (30, 30, 3)], 84), ([(90, 90, 3)] * 3, 84)],
)
def test_small_pictures_of_one_size_keep_it(tmp_path, shapes, size):
    for index, shape in enumerate(shapes):
        save_pictures(tmp_path / f"class{index}", 2, shape, index)
    dataset = load_dataset("folder", tmp_path)
    assert dataset.images.shape == (3, 2, size, size, 3)
    if size == 32:
        with Image.open(tmp_path / "class1" / "1.png") as image:
            assert any((own[1] == np.asarray(image)).all() for own in dataset.images)


@pytest.mark.parametrize("name", ["folder", "miniimagenet"])
def test_unusable_folders_are_named(tmp_path, name):
    with pytest.raises(InputError, match="--data"):
        load_dataset(name)
    with pytest.raises(InputError, match="nowhere"):
        load_dataset(name, tmp_path / "nowhere")
    save_pictures(tmp_path / "one", 2, (8, 8))
    with pytest.raises(InputError, match=str(tmp_path)):
        load_dataset(name, tmp_path)


def test_miniimagenet_with_ravis_lists_and_pictures_in_colour(measured_data, tmp_path):
    """Names and labels of the real lists; pictures of CIFAR-FS stand in for ImageNet's."""
    with np.load(measured_data("fewshot_colour") / "cifar_fs_60.npz") as archive:
        colours = archive["images"]
    wanted = {}
    for number, name in enumerate(("train", "val", "test")):
        lines = (measured_data("miniimagenet_splits") / f"{name}.csv").read_text().splitlines()
        labels = list(dict.fromkeys(line.split(",")[1] for line in lines[1:]))[:2]
        kept = [lines[0]]
        for index, label in enumerate(labels):
            rows = [line for line in lines if line.endswith(label)][:3]
            for drawing, row in enumerate(rows):
                path = tmp_path / "images" / row.split(",")[0]
                path.parent.mkdir(exist_ok=True)
                picture = colours[2 * number + index, drawing]
                Image.fromarray(picture).save(path, format="PNG")
                wanted[2 * number + index, drawing] = picture
            kept += rows
        (tmp_path / f"{name}.csv").write_text("\n".join(kept))
    dataset = load_dataset("miniimagenet", tmp_path)
    assert dataset.images.shape == (6, 3, 84, 84, 3)
    assert [list(dataset.classes[s]) for s in ("train", "validation", "test")] == [
        [0, 1],
        [2, 3],
        [4, 5],
    ]
    for where, picture in wanted.items():
        assert dataset.images[where].mean() == pytest.approx(picture.mean(), abs=1.5)
