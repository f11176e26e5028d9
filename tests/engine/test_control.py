"""Every control does to the picture what it says: short real runs on small meshes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.backbone import Backbone
from engine.color import LUMA
from engine.critic import LAYERS
from engine.job import Job, Style
from engine.losses import gram
from engine.palette import nearest
from engine.picture import read_picture
from engine.report import style_grams
from engine.schedule import schedule
from engine.settings import PRESETS, Preset
from engine.stylize import optimise, prepare
from engine.surface import Surface, shoot
from engine.views import orbit_cameras, sphere_directions
from tests.engine.jobs import SIZE, TINY, job_of, look, straight_on
from tests.engine.meshes import cube

CPU = torch.device("cpu")
SMALL = Preset(scales=(48, 64), steps=(12, 12), close_ups=0, nearer=0, settling=0, views=16)


@pytest.fixture(autouse=True)
def small_views(monkeypatch) -> None:
    """The preset DRAFT sees no more pixels than there are texels."""
    monkeypatch.setitem(PRESETS, "DRAFT", SMALL)


def paint(job: Job, backbone: Backbone) -> torch.Tensor:
    """The baked texture (SIZE, SIZE, 3)."""
    job.validate()
    painting = prepare(job, [read_picture(s.file) for s in job.styles], CPU)
    for _ in optimise(job, painting, backbone):
        pass
    return painting.bake(job.texture_shapes[0])


def in_islands(job: Job) -> torch.Tensor:
    inside = torch.zeros(SIZE * SIZE, dtype=torch.bool)
    inside[Surface.of(job.mesh, CPU).texels(0, (SIZE, SIZE)).texel] = True
    return inside.view(SIZE, SIZE)


def left_part(job: Job) -> np.ndarray:
    """(F, 3): 1 in the left quarter of the texture, 0 in the right one, soft between."""
    u = job.mesh.uvs[..., 0]
    return np.float32(np.clip(1.5 - 2 * u, 0, 1))


def distance(texture: torch.Tensor, style: torch.Tensor, backbone: Backbone) -> float:
    """Of Gram matrices, the texture seen straight on as large as the plane was."""
    image = texture.permute(2, 0, 1)[None]
    features = backbone(image, LAYERS[:3])
    targets = style_grams(style, SIZE, backbone)[:3]
    found = [gram(f, torch.ones_like(f[0, 0])) for f in features.values()]
    return sum(float((g - t).norm() / t.norm()) for g, t in zip(found, targets, strict=True))


def test_protected_texels_stay_as_they_were_to_the_bit(pictures, backbone) -> None:
    job = job_of(pictures)
    job = replace(job, protected=left_part(job))
    result = paint(job, backbone)
    u = (torch.arange(SIZE) + 0.5) / SIZE
    kept, free = (in_islands(job) & where for where in (u < 0.24, u > 0.76))
    as_bytes = (result * 255 + 0.5).to(torch.uint8)
    before = (torch.from_numpy(look()) * 255 + 0.5).to(torch.uint8)
    assert int(kept.sum()) > SIZE * SIZE / 5
    assert as_bytes[kept].equal(before[kept])
    assert (result - torch.from_numpy(look()))[free].abs().mean() > 0.05


def test_two_regions_are_each_nearer_to_their_own_style(pictures, backbone) -> None:
    job = job_of(pictures)
    half = left_part(job)
    job = replace(
        job,
        style=Style(pictures[0], 1.0, half),
        more_styles=(Style(pictures[1], 1.0, 1 - half),),
    )
    result = paint(job, backbone)
    stripes, dots = (read_picture(file) for file in pictures)
    left, right = result[:, : SIZE // 4], result[:, -SIZE // 4 :]
    assert distance(left, stripes, backbone) < 0.7 * distance(left, dots, backbone)
    assert distance(right, dots, backbone) < 0.7 * distance(right, stripes, backbone)


def test_where_no_style_goes_the_original_stays(pictures, backbone) -> None:
    job = job_of(pictures)
    none = np.zeros(job.mesh.faces.shape, np.float32)
    result = paint(replace(job, style=Style(pictures[0], 1.0, none)), backbone)
    inside = in_islands(job)
    assert (result - torch.from_numpy(look()))[inside].abs().max() < 1e-6


def test_weights_say_which_of_two_styles_shows_more(pictures, backbone) -> None:
    stripes, dots = (read_picture(file) for file in pictures)
    found = []
    for first, second in ((1.0, 0.1), (0.1, 1.0)):
        one, two = Style(pictures[0], first), Style(pictures[1], second)
        job = job_of(pictures, style=one, more_styles=(two,), start="ORIGINAL", steps=16)
        result = paint(job, backbone)
        found.append(distance(result, stripes, backbone) - distance(result, dots, backbone))
    assert found[0] < found[1] - 0.2


def test_the_originals_hues_are_kept(pictures, backbone) -> None:
    """Differences between the channels are what a hue is; luma is painted."""
    job = job_of(pictures, color="ORIGINAL")
    result, before = (
        paint(job, backbone)[in_islands(job)],
        torch.from_numpy(look())[in_islands(job)],
    )
    for first, second in ((0, 1), (1, 2)):
        change = (result - before)[:, first] - (result - before)[:, second]
        assert change.abs().max() < 1e-5
    assert ((result - before) @ torch.tensor(LUMA)).abs().mean() > 0.03


def test_matched_colors_are_the_originals_as_a_whole(pictures, backbone) -> None:
    before = torch.from_numpy(look())
    own = paint(job_of(pictures, steps=8), backbone)
    matched = paint(job_of(pictures, steps=8, color="MATCHED"), backbone)
    away = [(result - before).mean((0, 1)).norm() for result in (own, matched)]
    assert away[1] < 0.3 * away[0]


@pytest.mark.parametrize(
    ("loss", "steps"),
    [("MEAN_COVARIANCE", 30), ("SLICED_WASSERSTEIN", 22), ("NEAREST_FEATURES", 20)],
)
def test_other_style_losses_bring_it_nearer_to_the_picture_too(
    pictures, backbone, monkeypatch, loss, steps
) -> None:
    """From the original's own colors: those that match the picture are nearer as they are."""
    monkeypatch.setitem(PRESETS, "DRAFT", replace(SMALL, scales=(32, 48)))
    stripes = read_picture(pictures[0])
    before = distance(torch.from_numpy(look()), stripes, backbone)
    job = job_of(pictures, style_loss=loss, steps=steps, start="ORIGINAL")
    assert distance(paint(job, backbone), stripes, backbone) < 0.85 * before


def test_each_start_starts_there(pictures, backbone) -> None:
    before, inside = torch.from_numpy(look()), in_islands(job_of(pictures))
    style = read_picture(pictures[0])
    painted = {}
    for start in ("ORIGINAL", "MATCHED", "NOISE"):
        job = job_of(pictures, start=start)
        painted[start] = prepare(job, [style], CPU).bake((SIZE, SIZE))[inside]
    assert (painted["ORIGINAL"] - before[inside].clamp(0.1, 0.9)).abs().max() < 1e-5
    assert (painted["MATCHED"].mean(0) - style.mean((1, 2))).abs().max() < 0.05
    assert (painted["NOISE"].mean(0) - style.mean((1, 2))).abs().max() < 0.1
    assert painted["NOISE"].std(0).min() > 0.03


def test_what_no_view_sees_keeps_no_grain(pictures, backbone) -> None:
    """From above a cube shows one side; the side below stays as matched to the picture."""
    job = job_of(pictures, mesh=cube(), views=(straight_on(),))
    style = read_picture(pictures[0])
    plain = prepare(job, [style], CPU)
    below = slice(SIZE // 2 + 2, SIZE - 2), slice(2, SIZE // 3 - 2)
    grained = plain.bake((SIZE, SIZE))
    with torch.no_grad():
        for values in plain.field.values:
            values.zero_()
    expected = plain.bake((SIZE, SIZE))
    assert (grained[below] - expected[below]).abs().max() > 0.01
    painted = paint(job, backbone)
    assert (painted[below] - expected[below]).abs().max() < 1e-6
    assert (painted - expected).abs().max() > 0.1


def test_total_variation_smooths(pictures, backbone) -> None:
    def roughness(weight: float) -> float:
        result = paint(job_of(pictures, tv_weight=weight), backbone)
        return float(result.diff(dim=0).abs().mean() + result.diff(dim=1).abs().mean())

    assert roughness(100.0) < 0.8 * roughness(0.0)


def wavelength(result: torch.Tensor) -> float:
    """Texels, of a wave along rows that is as steep for its height, without what is larger."""
    rows = result.mean(2)[None]  # (1, H, W)
    side = result.shape[1] // 4 + 1  # odd
    fine = rows - torch.nn.functional.avg_pool2d(rows, side, 1, side // 2)
    inner = fine[0, :, side:-side]
    return float(2 * np.pi * inner.std() / inner.diff(dim=1).std())


def test_strokes_are_as_large_as_asked_whatever_the_texture(
    pictures, backbone, monkeypatch
) -> None:
    """A stripe's wave is an eighth of the picture, which is as large as the plane."""
    monkeypatch.setitem(PRESETS, "DRAFT", replace(SMALL, scales=(91,), steps=(1,)))

    def waves(size: int, **changes: object) -> float:
        few = {"content_weight": 0.0, "steps": 45, "views": (straight_on(),), "texture_size": size}
        return wavelength(paint(job_of(pictures, **few, **changes), backbone))

    small = waves(128)
    assert small == pytest.approx(128 / 8, rel=0.25)
    assert waves(256) == pytest.approx(2 * small, rel=0.2)  # in texels: the same on the object
    assert waves(128, stroke_size=2.0) > 1.15 * small


def test_turned_strokes_run_the_other_way(pictures, backbone) -> None:
    few = {"content_weight": 0.0, "steps": 32, "views": (straight_on(),)}
    across = []
    for angle in (0.0, np.pi / 2):
        result = paint(job_of(pictures, **few, stroke_rotation=float(angle)), backbone)
        across.append(float(result.diff(dim=1).abs().mean() / result.diff(dim=0).abs().mean()))
    assert across[0] > 1.2 * across[1]


def test_what_the_content_shows(pictures) -> None:
    """What was asked for; without being asked, the texture of a plane that has one."""
    style = read_picture(pictures[0])
    sources = {}
    for source in ("AUTO", "TEXTURE", "CLAY", "BOTH"):
        original = prepare(job_of(pictures, content_source=source), [style], CPU).original
        sources[source] = (original.source, original.clay is not None)
    assert sources == {
        "AUTO": ("TEXTURE", False),
        "TEXTURE": ("TEXTURE", False),
        "CLAY": ("CLAY", True),
        "BOTH": ("BOTH", True),
    }


@pytest.mark.parametrize("color", ["STYLE", "MATCHED", "ORIGINAL"])
def test_clay_has_the_colors_that_are_aimed_at(pictures, color) -> None:
    """Those of all styles, as they are recolored: paint is to come near to both."""
    more = (Style(pictures[1]),)
    job = job_of(pictures, content_source="CLAY", color=color, more_styles=more, mesh=cube())
    painting = prepare(job, [read_picture(file) for file in pictures], CPU)
    aimed = torch.cat([aim.picture.flatten(1).T for aim in painting.aims])
    original = painting.original
    (camera,) = orbit_cameras(original.surface.used_vertices, sphere_directions(1, seed=0), 64)
    shot = shoot(original.surface, camera)
    albedo = original.albedo(shot.face, shot.bary, shot.footprint)
    shown = original.content(shot, camera.position, albedo)
    assert (shown.mean(0) - aimed.mean(0)).norm() < 0.15
    if color == "ORIGINAL":
        assert (shown - shown[:, :1]).abs().max() < 1e-5


def test_a_start_has_of_each_style_what_it_weighs(pictures) -> None:
    """Blue stripes weigh 1, orange dots 0.05 and 20."""
    blue = []
    for weight in (0.05, 1.0, 20.0):
        job = job_of(pictures, more_styles=(Style(pictures[1], weight),))
        painting = prepare(job, [read_picture(file) for file in pictures], CPU)
        face = torch.arange(32)
        ground = painting.ground(face, torch.full((32, 3), 1 / 3), torch.zeros(32, 2, 2))
        blue.append(float(torch.sigmoid(ground.logits)[:, 2].mean()))
    assert blue[0] - 0.1 > blue[1] > blue[2] + 0.1


def test_without_style_it_starts_from_the_look_itself(pictures, backbone) -> None:
    result = paint(job_of(pictures, style_weight=0.0, steps=1), backbone)
    inside = in_islands(job_of(pictures))
    assert (result - torch.from_numpy(look()))[inside].abs().mean() < 0.05


def test_without_style_pure_colors_stay(pictures, backbone) -> None:
    """At the start as exactly as eight bits are, and near that in a run of content alone."""
    pure = np.float32(look() > 0.5)
    job = job_of(pictures, style_weight=0.0, originals=(pure,))
    style, inside = read_picture(pictures[0]), in_islands(job)
    before = torch.from_numpy(pure)[inside]
    start = prepare(job, [style], CPU).bake((SIZE, SIZE))[inside]
    assert (start - before).abs().max() < 1.01 / 255
    assert (paint(job, backbone)[inside] - before).abs().max() < 0.02


def test_more_content_weight_stays_nearer_to_the_original(pictures, backbone) -> None:
    before = torch.from_numpy(look())
    target = backbone(before.permute(2, 0, 1)[None], ("relu4_2",))["relu4_2"]
    contents, styles = [], []
    for weight in (0.05, 2.0, 8.0, 100.0):
        result = paint(job_of(pictures, content_weight=weight), backbone)
        found = backbone(result.permute(2, 0, 1)[None], ("relu4_2",))["relu4_2"]
        contents.append(float((found - target).square().sum() / target.square().sum()))
        if weight != 2:  # in so few steps it moves the style's by less than another seed does
            styles.append(distance(result, read_picture(pictures[0]), backbone))
    assert contents == sorted(contents, reverse=True)
    assert styles == sorted(styles)


@pytest.mark.usefixtures("tiny")
def test_close_ups_tell_the_content_of_the_whole_views(pictures, backbone) -> None:
    """They are not judged by it; 0 would say that nothing has changed."""
    job = job_of(pictures, steps=0)
    painting = prepare(job, [read_picture(pictures[0])], CPU)
    steps = list(optimise(job, painting, backbone))
    assert len(steps) == TINY.all_steps(SIZE)
    assert all(step.losses["content"] > 0 for step in steps)
    near = [scale.zoom > 1 for scale in schedule(job.settings) for _ in range(scale.steps)]
    first = near.index(True)
    told = {step.losses["content"] for step, close in zip(steps, near, strict=True) if close}
    assert told == {steps[first - 1].losses["content"]}


def test_at_the_end_paint_comes_to_the_pictures_own_colors(pictures, backbone, monkeypatch) -> None:
    """As many whole views that do not come last leave it farther from stripes of two colors."""
    palette = read_picture(pictures[0]).flatten(1).T.unique(dim=0)
    assert len(palette) == 2
    away = []
    for steps, settling in ((60, 0), (30, 30)):
        few = Preset((SIZE,), (steps,), close_ups=0, nearer=0, settling=settling, views=4)
        monkeypatch.setitem(PRESETS, "DRAFT", few)
        job = job_of(pictures, steps=0)
        painted = paint(job, backbone)[in_islands(job)]
        away.append(float((painted - nearest(painted, palette)).norm(dim=1).mean()))
    assert away[1] < 0.75 * away[0], away


@pytest.mark.parametrize("start", ["MATCHED", "ORIGINAL"])
def test_a_look_of_one_color_starts_with_a_grain(pictures, start) -> None:
    """Without it every place is like every other, and strokes take long to part."""
    grey = (np.full((1, 1, 3), 0.5, np.float32),)
    job = job_of(pictures, originals=grey, start=start)
    start = prepare(job, [read_picture(pictures[0])], CPU).bake((SIZE, SIZE))[in_islands(job)]
    assert 0.01 < float(start.std(0).max()) < 0.2
