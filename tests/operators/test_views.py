"""The scene's cameras as the engine gets them, against Blender's own projection."""

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mathutils import Vector

from tests.operators.readings import made_of
from tests.operators.scenes import add_cube, select

POINTS = ((0, 0, 0), (1, 0.5, -0.3), (-1, 1, 1))


@pytest.fixture
def camera(scene, style):
    scene.style_transfer_3d.style = str(style)
    bpy.ops.object.camera_add(location=(3, -6, 2), rotation=(1.2, 0.1, 0.4))
    camera = bpy.context.object
    select(add_cube())
    return camera


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    fit=st.sampled_from(("AUTO", "HORIZONTAL", "VERTICAL")),
    kind=st.sampled_from(("PERSP", "ORTHO")),
    unit=st.sampled_from(("MILLIMETERS", "FOV")),
    lens=st.floats(12, 200),
    scale=st.floats(0.5, 20),
    object_scale=st.tuples(*[st.floats(0.1, 10)] * 3),
    shift=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
    sensor=st.tuples(st.floats(8, 50), st.floats(8, 50)),
    size=st.tuples(st.integers(16, 2000), st.integers(16, 2000)),
    pixel=st.tuples(st.floats(1, 3), st.floats(1, 3)),
    percentage=st.sampled_from((10, 50, 100)),
)
def test_any_camera_is_blenders_own(
    camera, fit, kind, unit, lens, scale, object_scale, shift, sensor, size, pixel, percentage
):
    camera.scale = object_scale
    data, render = camera.data, bpy.context.scene.render
    data.type, data.sensor_fit, data.lens_unit = kind, fit, unit
    data.lens, data.ortho_scale = lens, scale
    data.shift_x, data.shift_y = shift
    data.sensor_width, data.sensor_height = sensor
    render.resolution_x, render.resolution_y = size
    render.pixel_aspect_x, render.pixel_aspect_y = pixel
    render.resolution_percentage = percentage
    bpy.context.view_layer.update()
    (view,) = made_of(bpy.context.object, views="CAMERAS").job.views
    shape = (size[0] * render.pixel_aspect_x) / (size[1] * render.pixel_aspect_y)
    assert view.aspect == pytest.approx(shape, rel=1e-5)
    for point in POINTS:
        clip = view.projection @ view.world_to_camera @ np.array([*point, 1.0])
        x, y, _depth = world_to_camera_view(bpy.context.scene, camera, Vector(point))
        found = (clip[:2] / clip[3] + 1) / 2
        assert np.allclose(found, (x, y), atol=1e-4 * max(1, abs(x), abs(y)))


def test_every_enabled_camera_is_a_view(camera):
    other = camera.copy()
    bpy.context.collection.objects.link(other)
    other.location.x += 2
    bpy.context.view_layer.update()
    first, second = made_of(bpy.context.object, views="CAMERAS").job.views
    assert not np.allclose(first.world_to_camera, second.world_to_camera)
